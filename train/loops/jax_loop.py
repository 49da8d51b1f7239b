"""Training and evaluation in JAX: a compiled gradient and a compiled update, waited for a step late."""

import inspect
from collections.abc import Iterable, Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Bool, Int32

import jax_impl.generate
import jax_impl.greedy
import jax_impl.optimizer
from data import Batch
from jax_impl.objectives import OBJECTIVES
from jax_impl.optimizer import MOMENTS, Rates
from train.architecture import Architecture
from train.config import Optimizer
from train.loops.backend import Arrays, Outputs, Stream
from train.loops.schedule import rates_at


def build_model(architecture: Architecture) -> nn.Module:
    """The model; its weights come separately."""
    return architecture.build("jax_impl")


def initial_params(architecture: Architecture, seed: int) -> Arrays:
    """The weights of a seed, flat, float32."""
    model = build_model(architecture)
    return flat_params(jax.jit(model.init)(jax.random.key(seed), **smallest_inputs(model))["params"])


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
    family: str, model: nn.Module, params: Arrays, batches: Iterable[Batch]
) -> list[dict[str, float]]:
    """The loss and metrics of each batch, without dropout or label smoothing."""
    tree = params_tree(params)
    metrics = [_evaluate(tree, batch, family, model) for batch in batches]
    return [{name: float(value) for name, value in row.items()} for row in metrics]


@partial(jax.jit, static_argnames=("family", "model"))
def _evaluate(params: Any, batch: Batch, family: str, model: nn.Module) -> Any:
    loss, metrics = OBJECTIVES[family](model, params, batch, None, 0.0)
    return {"loss": loss, **metrics}


def to_device(batch: Batch) -> Batch:
    """The batch on the device; from any thread."""
    return jax.device_put(batch)


def programs_compiled() -> int:
    """How many there were in this process, for whatever was computed."""
    return _compiled


def _count(event: str, duration_secs: float, **about: str | int) -> None:
    global _compiled
    _compiled += event == "/jax/core/compile/backend_compile_duration"


_compiled = 0
jax.monitoring.register_event_duration_secs_listener(_count)


def peak_device_memory() -> int | None:
    """The most bytes that were taken at once, of a device with memory of its own."""
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")


def outputs(model: nn.Module, params: Arrays, method: str = "__call__") -> Outputs:
    """The model with these weights, without dropout, as a function from numpy inputs to what it returns.

    ``method`` is what of the model is called.
    """
    tree = params_tree(params)
    return lambda *inputs: jax.tree.map(np.asarray, _apply(model, method, tree, *inputs))


@partial(jax.jit, static_argnums=(0, 1))
def _apply(model: nn.Module, method: str, params: Any, *inputs: jax.Array) -> Any:
    return model.apply({"params": params}, *inputs, method=method)


def generate(
    model: nn.Module,
    params: Arrays,
    prompts: Int32[np.ndarray, "batch position"],
    lengths: Sequence[int],
    new: int,
    seed: int,
    *limits: Any,
    compiled: bool = False,
) -> tuple[Int32[np.ndarray, "batch total"], Int32[np.ndarray, " batch"]]:
    """Prompts with what follows them, and where each row ends, by `jax_impl.generate`, compiled always."""
    bound: Any = model.bind({"params": params_tree(params)})
    rows, ends = jax_impl.generate.generate(
        bound, jnp.asarray(prompts), lengths, new, jax.random.key(seed), *limits
    )
    return np.asarray(rows), np.asarray(ends)


def greedy(
    model: nn.Module,
    params: Arrays,
    source: Int32[np.ndarray, "batch key"],
    source_mask: Bool[np.ndarray, "batch key"],
    begin: int,
    length: int,
) -> Int32[np.ndarray, "batch position"]:
    """An encoder-decoder's likeliest targets, token by token, by `jax_impl.greedy`."""
    bound: Any = model.bind({"params": params_tree(params)})
    return np.asarray(
        jax_impl.greedy.greedy(bound, jnp.asarray(source), jnp.asarray(source_mask), begin, length)
    )


@partial(jax.jit, static_argnames=("family", "model", "optimizer"))
def gradient(
    params: Any,
    batch: Batch,
    rng: jax.Array,
    family: str,
    model: nn.Module,
    optimizer: Optimizer,
) -> tuple[Any, dict[str, jax.Array]]:
    """A batch's part of the mean gradient of its step, and of the mean metrics."""

    def loss(params: Any) -> Any:
        return OBJECTIVES[family](model, params, batch, rng, optimizer.smoothing)

    (value, metrics), whole = jax.value_and_grad(loss, has_aux=True)(params)
    return jax.tree.map(lambda array: array / optimizer.accumulate, (whole, {"loss": value, **metrics}))


@partial(jax.jit, donate_argnames="total")
def add(total: Any, part: Any) -> Any:
    """The sum of two trees."""
    return jax.tree.map(jnp.add, total, part)


update = jax.jit(jax_impl.optimizer.update, static_argnames="config", donate_argnames=("params", "state"))


class Trainer:
    """A run in progress. Every draw of its dropout follows from ``seed`` and the number of the batch."""

    def __init__(
        self,
        family: str,
        architecture: Architecture,
        params: Arrays,
        stream: Stream,
        optimizer: Optimizer,
        steps: int,
        seed: int,
        moments: dict[str, Arrays] | None = None,
    ) -> None:
        """``moments``, as `moments` gave them, if steps have been taken before; ``params`` sets the dtype."""
        self.family, self.model = family, build_model(architecture)
        self.stream, self.optimizer, self.steps = stream, optimizer, steps
        self._params = params_tree(params)
        self._state = jax_impl.optimizer.init(self._params, optimizer)
        for name, state in self._state.items():
            state |= {kind: jnp.array(arrays[name]) for kind, arrays in (moments or {}).items()}
        self._rng = jax.random.fold_in(jax.random.key(seed), 1)
        self._under_way: dict[str, Any] = {}

    def step(self, number: int) -> dict[str, Any]:
        """Take step ``number``, counted from 0. The metrics are still being computed when it returns."""
        batches = range(number * self.optimizer.accumulate, (number + 1) * self.optimizer.accumulate)
        whole, metrics = reduce(add, map(self._gradient, batches))
        rates = Rates(*rates_at(number, self.steps, self.optimizer))
        self._params, self._state, norm = update(self._params, self._state, whole, rates, self.optimizer)
        # A step is queued behind the one at work; more would take memory, and hide what input costs.
        jax.block_until_ready(self._under_way)
        self._under_way = {**metrics, "gradient_norm": norm}
        return self._under_way

    def _gradient(self, number: int) -> tuple[Any, dict[str, jax.Array]]:
        """That of batch ``number``, with dropout of its own."""
        rng = jax.random.fold_in(self._rng, number)
        return gradient(self._params, self.stream(number), rng, self.family, self.model, self.optimizer)

    def params(self) -> Arrays:
        """The weights, flat, in Flax's layout."""
        return flat_params(self._params)

    def moments(self) -> dict[str, Arrays]:
        """What the optimizer keeps, by kind (Adam's "mean" and "square"), each like `params`."""
        return {
            kind: {name: np.array(moments[kind]) for name, moments in self._state.items()}
            for kind in MOMENTS[self.optimizer.method]
        }


def flat_params(tree: Any) -> Arrays:
    """Flax's tree of weights by path, as numpy."""
    return {name: np.array(array) for name, array in flatten_dict(tree, sep="/").items()}


def params_tree(arrays: Arrays) -> Any:
    """Flat weights as Flax's tree, in arrays of their own: a program may be given them to overwrite."""
    return unflatten_dict({name: jnp.array(array) for name, array in arrays.items()}, sep="/")
