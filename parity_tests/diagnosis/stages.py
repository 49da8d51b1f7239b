"""The stages of attention where a model shows them: scores, weights, and what the heads return."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
from scipy.special import softmax

from parity_tests.diagnosis.attend import HIDDEN, SCALES, WINDOWS, seen
from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Computation

SHARED = ("to neighbours", "in turn")
MOST_KNOWN = 6

Compute = Callable[..., np.ndarray | None]


def stages(place: Place) -> Iterator[Computation]:
    """Of arrays with the axes (batch heads position head_dim), or (batch heads query key)."""
    if place.ours.ndim != 4:
        return
    known = [item.array for item in place.known if item.array.ndim == 4]
    known = [array for array in known if len(array) == len(place.ours)]
    for left, right in permutations(known[:MOST_KNOWN], 2):
        if left.shape[:3] == place.ours.shape[:3] and left.shape[1] % right.shape[1] == 0:
            if (left.shape[3], right.shape[2]) == (right.shape[3], place.ours.shape[3]):
                options = {"scale of the scores": tuple(SCALES)}
                yield _product(partial(_scores, left, right), options, partial(_solved, left, right))
            if (left.shape[3], right.shape[3]) == (right.shape[2], place.ours.shape[3]):
                yield _product(partial(_values, left, right), {})
    batch, _, queries, keys = place.ours.shape
    masks = seen(place.inputs, batch, queries, keys, WINDOWS)
    for scores in [array for array in known[:2] if array.shape == place.ours.shape]:
        yield Computation(
            partial(_weights, scores, masks),
            {"a query sees": tuple(masks), "softmax is taken": ("over the keys", "over the queries")},
            unknown=("a query sees",),
        )


def _product(
    compute: Compute, options: Mapping[str, Sequence[Any]], solved: Callable[..., float] | None = None
) -> Computation:
    """Of two arrays, of which the second may have fewer heads."""
    more = {"keys and values are shared": SHARED, "multiplied": ("as usual", "the other way round")}
    solve = dict.fromkeys(options, solved) if solved else {}
    return Computation(compute, {**options, **more}, tuple(options), solve)


def _dealt(array: np.ndarray, heads: int, how: str) -> np.ndarray:
    """With as many heads as there are of queries, each serving several."""
    times = heads // array.shape[1]
    return np.repeat(array, times, axis=1) if how == SHARED[0] else np.tile(array, (1, times, 1, 1))


def _scores(query: np.ndarray, key: np.ndarray, /, **settings: Any) -> np.ndarray:
    key = _dealt(key, query.shape[1], settings["keys and values are shared"])
    scale = settings["scale of the scores"]
    if scale in SCALES:
        scale = SCALES[scale](query.shape[3], query.shape[1], key.shape[2])
    scores = scale * query @ key.swapaxes(-1, -2)
    return scores if settings["multiplied"] == "as usual" else scores.swapaxes(-1, -2)


def _solved(query: np.ndarray, key: np.ndarray, target: np.ndarray, /, **settings: Any) -> float:
    """The scale of these scores, if they are the scores of these at all."""
    scores = _scores(query, key, **settings | {"scale of the scores": 1.0})
    return float((target * scores).sum() / np.square(scores).sum())


def _values(weights: np.ndarray, value: np.ndarray, /, **settings: Any) -> np.ndarray | None:
    value = _dealt(value, weights.shape[1], settings["keys and values are shared"])
    if settings["multiplied"] == "as usual":
        return weights @ value
    return weights.swapaxes(-1, -2) @ value if weights.shape[2] == weights.shape[3] else None


def _weights(scores: np.ndarray, masks: dict[str, Any], /, **settings: Any) -> np.ndarray:
    """Where a query sees no key it weighs none, as in ours."""
    axis = -1 if settings["softmax is taken"] == "over the keys" else -2
    if (allowed := masks[settings["a query sees"]]) is None:
        return softmax(scores, axis=axis)
    weights = softmax(np.where(allowed, scores, HIDDEN), axis=axis)
    return weights * np.broadcast_to(allowed, scores.shape).any(axis, keepdims=True)
