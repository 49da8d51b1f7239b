"""A trained model whose feed-forward layers change places, and how alike their weights are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from study.questions.fit import loss_and_accuracy
from study.questions.task import Rows

Params = Mapping[str, np.ndarray]


def costs(trainer: Any, rows: Rows) -> Float[np.ndarray, "layers layers"]:
    """Nats a token more than in the right order: [i, j] where blocks i and j exchange their feed-forward
    branches; [i, i] where that of block i is in all places."""
    layers, params = trainer.model.config.layers, trainer.params()

    def loss(order: Sequence[int]) -> float:
        other = type(trainer)(trainer.model, trainer.optimizer, placed(params, order))
        return loss_and_accuracy(other, rows)["loss"]

    places = list(range(layers))
    found = np.zeros((layers, layers))
    for first in places:
        found[first, first] = loss([first] * layers)
        for second in places[first + 1 :]:
            order = places.copy()
            order[first], order[second] = second, first
            found[first, second] = found[second, first] = loss(order)
    right = loss(places)  # last: in PyTorch the model itself has been given the others' weights
    return found - right


def placed(params: Params, order: Sequence[int]) -> dict[str, np.ndarray]:
    """The weights with the feed-forward branch of block ``order[i]`` in block i."""
    changed = dict(params)
    for place, source in enumerate(order):
        for name in params:
            if name.startswith(f"feed_forwards_{place}/"):
                changed[name] = params[name.replace(f"_{place}/", f"_{source}/", 1)]
    return changed


def alikeness(params: Params, layers: int) -> Float[np.ndarray, "layers layers"]:
    """[i, j]: the largest cosine of a neuron of block i with any of block j, mean over i's neurons.

    A neuron is what it reads and what it writes; their order in a layer means nothing, so the best fit is
    taken. 1 on the diagonal.
    """
    units = []
    for layer in range(layers):
        branch = f"feed_forwards_{layer}/feed_forward"
        weights = np.concatenate([params[f"{branch}/up/kernel"].T, params[f"{branch}/down/kernel"]], axis=1)
        units.append(weights / np.linalg.norm(weights, axis=1, keepdims=True))
    return np.array([[(one @ other.T).max(axis=1).mean() for other in units] for one in units])
