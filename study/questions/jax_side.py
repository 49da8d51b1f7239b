"""A question's model in JAX: many steps are one compiled program."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, Int32

import jax_impl.optimizer
from jax_impl.losses import weighted_cross_entropy
from jax_impl.optimizer import Rates
from study.questions.task import IGNORED, Rows
from train.config import Optimizer
from train.loops.jax_loop import flat_params, params_tree


def initial_params(
    model: nn.Module, ids: Int32[np.ndarray, "batch position"], seed: int
) -> dict[str, np.ndarray]:
    """The weights of a seed, flat, float32."""
    return flat_params(jax.jit(model.init)(jax.random.key(seed), jnp.asarray(ids))["params"])


class Trainer:
    """A run in progress. ``model`` gives logits (batch position vocab) of ids; ``params``, flat, in Flax's
    layout, set the dtype."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, params: Mapping[str, np.ndarray]) -> None:
        self.model, self.optimizer = model, optimizer
        self._params = params_tree(dict(params))
        self._state = jax_impl.optimizer.init(self._params, optimizer)
        self._dtype = next(iter(params.values())).dtype

    def advance(
        self, batches: Sequence[Rows], rates: Sequence[tuple[float, float, float]]
    ) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, " steps"]]:
        """Take steps; returns each one's loss in nats and its gradient's norm."""
        ids, labels = (jnp.asarray(np.stack(column)) for column in zip(*batches, strict=True))
        columns: Any = [jnp.asarray(column, self._dtype) for column in zip(*rates, strict=True)]
        self._params, self._state, losses, norms = _advance(
            self._params, self._state, ids, labels, Rates(*columns), self.model, self.optimizer
        )
        return np.asarray(losses), np.asarray(norms)

    def logits(self, ids: Int32[np.ndarray, "batch position"]) -> Float[np.ndarray, "batch position vocab"]:
        """Of rows."""
        return np.asarray(_logits(self._params, ids, self.model))

    def taps(self, ids: Int32[np.ndarray, "batch position"]) -> dict[str, np.ndarray]:
        """What the model's taps see, by name."""
        found: dict[str, np.ndarray] = {}

        def tap(name: str, value: Any, axes: str) -> Any:
            found[name] = np.asarray(value)
            return value

        self.model.apply({"params": self._params}, jnp.asarray(ids), tap=tap)
        return found

    def gradients(self, rows: Rows) -> dict[str, np.ndarray]:
        """Of the loss, by weight, flat."""
        return flat_params(jax.grad(_loss)(self._params, *map(jnp.asarray, rows), self.model))

    def params(self) -> dict[str, np.ndarray]:
        """The weights, flat, in Flax's layout."""
        return flat_params(self._params)


@partial(jax.jit, static_argnames=("model", "optimizer"), donate_argnames=("params", "state"))
def _advance(
    params: Any,
    state: Any,
    ids: Int[Array, "steps batch position"],
    labels: Int[Array, "steps batch position"],
    rates: Rates,
    model: nn.Module,
    optimizer: Optimizer,
) -> tuple[Any, Any, Float[Array, " steps"], Float[Array, " steps"]]:
    """Parameters and state after the steps, the losses, the gradients' norms."""

    def step(carry: Any, batch: Any) -> Any:
        (params, state), (its_ids, its_labels, its_rates) = carry, batch
        value, gradient = jax.value_and_grad(_loss)(params, its_ids, its_labels, model)
        params, state, norm = jax_impl.optimizer.update(params, state, gradient, its_rates, optimizer)
        return (params, state), (value, norm)

    carry, (losses, norms) = jax.lax.scan(step, (params, state), (ids, labels, rates))
    return *carry, losses, norms


@partial(jax.jit, static_argnames="model")
def _loss(
    params: Any,
    ids: Int[Array, "batch position"],
    labels: Int[Array, "batch position"],
    model: nn.Module,
) -> Float[Array, ""]:
    """Mean over what is asked for."""
    logits = _logits(params, ids, model)
    asked = labels != IGNORED
    return weighted_cross_entropy(logits, jnp.maximum(labels, 0), asked.astype(logits.dtype))


@partial(jax.jit, static_argnames="model")
def _logits(params: Any, ids: Int[Array, "batch position"], model: nn.Module) -> Any:
    return model.apply({"params": params}, ids)
