"""The study's training in JAX: many steps are one compiled program."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import jax_impl.optimizer
from jax_impl.losses import cross_entropy
from jax_impl.optimizer import Rates
from study.grok.jax_model import ArithmeticTransformer
from study.grok.settings import ModelConfig
from study.grok.task import Task
from train.config import Optimizer
from train.loops.jax_loop import flat_params, params_tree


def initial_params(config: ModelConfig, seed: int) -> dict[str, np.ndarray]:
    """The weights of a seed, flat, float32."""
    ids = jnp.zeros((1, config.max_positions), jnp.int32)
    return flat_params(jax.jit(ArithmeticTransformer(config).init)(jax.random.key(seed), ids)["params"])


class Trainer:
    """A run in progress; ``params``, flat, in Flax's layout, set the dtype."""

    def __init__(
        self, config: ModelConfig, task: Task, optimizer: Optimizer, params: Mapping[str, np.ndarray]
    ) -> None:
        self.model, self.optimizer = ArithmeticTransformer(config), optimizer
        self._ids, self._labels = jnp.asarray(task.ids), jnp.asarray(task.labels)
        self._params = params_tree(dict(params))
        self._state = jax_impl.optimizer.init(self._params, optimizer)
        self._dtype = next(iter(params.values())).dtype

    def advance(
        self, batches: Int[np.ndarray, "steps batch"], rates: list[tuple[float, float, float]]
    ) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, " steps"]]:
        """Take steps; returns each one's loss and its gradient's norm."""
        columns: Any = [jnp.asarray(column, self._dtype) for column in zip(*rates, strict=True)]
        rows = jnp.asarray(batches, jnp.int32)
        self._params, self._state, *found = _advance(
            self._params,
            self._state,
            self._ids,
            self._labels,
            rows,
            Rates(*columns),
            self.model,
            self.optimizer,
        )
        losses, norms = map(np.asarray, found)
        return losses, norms

    def logits(self) -> Float[np.ndarray, "pair classes"]:
        """Of all pairs."""
        return np.asarray(_logits(self._params, self._ids, self.model))

    def params(self) -> dict[str, np.ndarray]:
        """The weights, flat, in Flax's layout."""
        return flat_params(self._params)


@partial(jax.jit, static_argnames=("model", "optimizer"), donate_argnames=("params", "state"))
def _advance(
    params: Any,
    state: Any,
    ids: Int[Array, "pair position"],
    labels: Int[Array, " pair"],
    batches: Int[Array, "steps batch"],
    rates: Rates,
    model: ArithmeticTransformer,
    optimizer: Optimizer,
) -> tuple[Any, Any, Float[Array, " steps"], Float[Array, " steps"]]:
    """Parameters and state after the steps, the losses, the gradients' norms."""

    def step(carry: Any, batch: Any) -> Any:
        (params, state), (rows, its_rates) = carry, batch

        def loss(params: Any) -> Any:
            return cross_entropy(_logits(params, ids[rows], model), labels[rows])

        value, gradient = jax.value_and_grad(loss)(params)
        params, state, norm = jax_impl.optimizer.update(params, state, gradient, its_rates, optimizer)
        return (params, state), (value, norm)

    carry, (losses, norms) = jax.lax.scan(step, (params, state), (batches, rates))
    return *carry, losses, norms


@partial(jax.jit, static_argnames="model")
def _logits(params: Any, ids: Int[Array, "batch position"], model: ArithmeticTransformer) -> Any:
    return model.apply({"params": params}, ids)
