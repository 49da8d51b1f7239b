"""Training and evaluation in JAX: one compiled step, its buffers donated, never waited for."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict, path_aware_map, unflatten_dict

from data import Batch
from jax_impl.classifier import TextClassifier
from jax_impl.losses import accuracy, cross_entropy
from train.config import Optimizer
from train.schedule import learning_rate

Arrays = dict[str, np.ndarray]
Outputs = Callable[..., np.ndarray]


def initial_params(model: TextClassifier, seed: int) -> Arrays:
    """The weights of a seed, flat, float32."""
    ids = jnp.zeros((1, 1), jnp.int32)
    return _flat(jax.jit(model.init)(jax.random.key(seed), ids, ids == 0)["params"])


def outputs(model: TextClassifier, params: Arrays) -> Outputs:
    """The model with these weights, without dropout, as a function from numpy inputs to a numpy output."""
    tree = _tree(params)
    return lambda *inputs: np.asarray(_apply(model, tree, *inputs))


@partial(jax.jit, static_argnums=0)
def _apply(model: TextClassifier, params: Any, *inputs: jax.Array) -> jax.Array:
    return model.apply({"params": params}, *inputs)  # type: ignore[return-value]


def adamw(optimizer: Optimizer) -> optax.GradientTransformation:
    """Clipping, Adam, and decay of kernels and embeddings; all but the learning rate."""

    def decayed(params: Any) -> Any:
        return path_aware_map(lambda path, _: path[-1] in ("kernel", "embedding"), params)

    return optax.chain(
        optax.clip_by_global_norm(optimizer.clip),
        optax.scale_by_adam(optimizer.beta1, optimizer.beta2, optimizer.epsilon),
        optax.add_decayed_weights(optimizer.weight_decay, decayed),
    )


@partial(jax.jit, static_argnames=("model", "optimizer"), donate_argnames=("params", "state"))
def train_step(
    params: Any,
    state: Any,
    batch: dict[str, jax.Array],
    rng: jax.Array,
    rate: jax.Array,
    model: TextClassifier,
    optimizer: Optimizer,
) -> tuple[Any, Any, dict[str, jax.Array]]:
    """One update: new params, new optimizer state, and the metrics of the batch before it."""

    def loss(params: Any) -> Any:
        logits: Any = model.apply({"params": params}, batch["ids"], batch["mask"], rng)
        return cross_entropy(logits, batch["labels"], optimizer.smoothing), logits

    (value, logits), gradient = jax.value_and_grad(loss, has_aux=True)(params)
    with jax.numpy_dtype_promotion("standard"):  # optax takes a float to the power of an integer
        updates, state = adamw(optimizer).update(gradient, state, params)
    params = jax.tree.map(lambda p, u: p - rate.astype(p.dtype) * u, params, updates)
    metrics = {
        "loss": value,
        "accuracy": accuracy(logits, batch["labels"]),
        "gradient_norm": optax.tree.norm(gradient),
    }
    return params, state, metrics


class Trainer:
    """A run in progress. Every draw of its dropout follows from ``seed`` and the number of the step."""

    def __init__(
        self,
        model: TextClassifier,
        params: Arrays,
        stream: Callable[[int], Batch],
        optimizer: Optimizer,
        steps: int,
        seed: int,
    ) -> None:
        self.model, self.stream, self.optimizer, self.steps = model, stream, optimizer, steps
        self._params = _tree(params)
        self._state = adamw(optimizer).init(self._params)
        self._rng = jax.random.fold_in(jax.random.key(seed), 1)

    def step(self, number: int) -> dict[str, Any]:
        """Take step ``number``, counted from 0. The metrics are still being computed when it returns."""
        batch = self.stream(number)
        arrays = {"ids": batch.ids, "mask": batch.mask, "labels": batch.labels}
        rate = np.float32(learning_rate(number, self.steps, self.optimizer))
        self._params, self._state, metrics = train_step(
            self._params,
            self._state,
            arrays,
            jax.random.fold_in(self._rng, number),
            rate,
            self.model,
            self.optimizer,
        )
        return metrics

    def params(self) -> Arrays:
        """The weights, flat, in Flax's layout."""
        return _flat(self._params)

    def moments(self) -> dict[str, Arrays]:
        """Adam's running means of the gradient and of its square, like `params`."""
        adam = self._state[1]
        return {"mean": _flat(adam.mu), "square": _flat(adam.nu)}


def _flat(tree: Any) -> Arrays:
    return {name: np.array(array) for name, array in flatten_dict(tree, sep="/").items()}


def _tree(arrays: Arrays) -> Any:
    return unflatten_dict({name: jnp.array(array) for name, array in arrays.items()}, sep="/")
