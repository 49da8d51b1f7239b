"""Training and evaluation in JAX: one compiled step, its buffers donated, never waited for."""

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.traverse_util import flatten_dict, path_aware_map, unflatten_dict

from parity_tests.architecture import Architecture
from train.config import Optimizer
from train.jax_families import LOSSES
from train.schedule import learning_rate

Arrays = dict[str, np.ndarray]
Outputs = Callable[..., Any]
Stream = Callable[[int], Arrays]


def build_model(architecture: Architecture) -> nn.Module:
    """The model; its weights come separately."""
    return architecture.build("jax_impl")


def initial_params(architecture: Architecture, seed: int) -> Arrays:
    """The weights of a seed, flat, float32."""
    model = build_model(architecture)
    return _flat(jax.jit(model.init)(jax.random.key(seed), **smallest_inputs(model))["params"])


def parameter_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a model's parameters in Flax's layout, without drawing them."""
    model = build_model(architecture)
    variables = jax.eval_shape(model.init, jax.random.key(0), **smallest_inputs(model))
    return {name: leaf.shape for name, leaf in flatten_dict(variables["params"], sep="/").items()}


def smallest_inputs(model: nn.Module) -> dict[str, jax.Array]:
    """One token for each input that the model cannot do without: enough to initialise it."""
    parameters = inspect.signature(model.__call__).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty]
    return {name: jnp.zeros((1, 1), bool if name.endswith("mask") else jnp.int32) for name in needed}


def evaluate(
    family: str, model: nn.Module, params: Arrays, batches: Iterable[dict[str, np.ndarray]]
) -> list[dict[str, float]]:
    """The loss and metrics of each batch, without dropout or label smoothing."""
    tree = _tree(params)
    metrics = [_evaluate(tree, batch, family, model) for batch in batches]
    return [{name: float(value) for name, value in row.items()} for row in metrics]


@partial(jax.jit, static_argnames=("family", "model"))
def _evaluate(params: Any, batch: dict[str, jax.Array], family: str, model: nn.Module) -> Any:
    loss, metrics = LOSSES[family](model, params, batch, None, 0.0)
    return {"loss": loss, **metrics}


def outputs(model: nn.Module, params: Arrays, method: str = "__call__") -> Outputs:
    """The model with these weights, without dropout, as a function from numpy inputs to what it returns.

    ``method`` is what of the model is called.
    """
    tree = _tree(params)
    return lambda *inputs: jax.tree.map(np.asarray, _apply(model, method, tree, *inputs))


@partial(jax.jit, static_argnums=(0, 1))
def _apply(model: nn.Module, method: str, params: Any, *inputs: jax.Array) -> Any:
    return model.apply({"params": params}, *inputs, method=method)


def adamw(optimizer: Optimizer) -> optax.GradientTransformation:
    """Clipping, Adam, and decay of kernels and embeddings; all but the learning rate."""

    def decayed(params: Any) -> Any:
        return path_aware_map(lambda path, _: path[-1] in ("kernel", "embedding"), params)

    return optax.chain(
        optax.clip_by_global_norm(optimizer.clip),
        optax.scale_by_adam(optimizer.beta1, optimizer.beta2, optimizer.epsilon),
        optax.add_decayed_weights(optimizer.weight_decay, decayed),
    )


@partial(jax.jit, static_argnames=("family", "model", "optimizer"), donate_argnames=("params", "state"))
def train_step(
    params: Any,
    state: Any,
    batch: dict[str, jax.Array],
    rng: jax.Array,
    rate: jax.Array,
    family: str,
    model: nn.Module,
    optimizer: Optimizer,
) -> tuple[Any, Any, dict[str, jax.Array]]:
    """One update: new params, new optimizer state, and the metrics of the batch before it."""

    def loss(params: Any) -> Any:
        return LOSSES[family](model, params, batch, rng, optimizer.smoothing)

    (value, metrics), gradient = jax.value_and_grad(loss, has_aux=True)(params)
    with jax.numpy_dtype_promotion("standard"):  # optax takes a float to the power of an integer
        updates, state = adamw(optimizer).update(gradient, state, params)
    params = jax.tree.map(lambda p, u: p - rate.astype(p.dtype) * u, params, updates)
    return params, state, {"loss": value, **metrics, "gradient_norm": optax.tree.norm(gradient)}


class Trainer:
    """A run in progress. Every draw of its dropout follows from ``seed`` and the number of the step."""

    def __init__(
        self,
        family: str,
        architecture: Architecture,
        params: Arrays,
        stream: Stream,
        optimizer: Optimizer,
        steps: int,
        seed: int,
    ) -> None:
        self.family, self.model = family, build_model(architecture)
        self.stream, self.optimizer, self.steps = stream, optimizer, steps
        self._params = _tree(params)
        self._state = adamw(optimizer).init(self._params)
        self._rng = jax.random.fold_in(jax.random.key(seed), 1)

    def step(self, number: int) -> dict[str, Any]:
        """Take step ``number``, counted from 0. The metrics are still being computed when it returns."""
        rate = np.float32(learning_rate(number, self.steps, self.optimizer))
        self._params, self._state, metrics = train_step(
            self._params,
            self._state,
            self.stream(number),
            jax.random.fold_in(self._rng, number),
            rate,
            self.family,
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


def variables(params: Arrays) -> dict[str, Any]:
    """Flat weights as Flax's models take them."""
    return {"params": _tree(params)}


def _tree(arrays: Arrays) -> Any:
    return unflatten_dict({name: jnp.array(array) for name, array in arrays.items()}, sep="/")
