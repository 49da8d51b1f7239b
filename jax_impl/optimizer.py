"""Adam and SGD: pure functions of parameters, state and gradient.

The state is of each parameter, by its flat name, the moments that the method keeps.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float

from jax_impl.config import OptimizerConfig

Moments = dict[str, Float[Array, "*axes"]]
State = dict[str, Moments]

# What is kept of each parameter between updates, by method.
MOMENTS = {"adamw": ("mean", "square"), "sgd": ("momentum",)}
DECAYED = ("kernel", "embedding")


class Rates(NamedTuple):
    """What an update needs to know of its step, in float64: in float32, 1 - 0.999 is wrong by 1e-5."""

    learning_rate: float
    mean_weight: float
    """The weights that Adam's running mean gives to all gradients so far, together: 1 - beta1^updates."""
    square_weight: float
    """The same of the running mean of squares: 1 - beta2^updates."""


def decays(name: str, config: OptimizerConfig) -> bool:
    """Whether weights decay that Flax calls ``name``: kernels and embeddings, or all."""
    return config.decayed == "all" or name.split("/")[-1] in DECAYED


def init(params: Any, config: OptimizerConfig) -> State:
    """The state before the first update: zeros."""
    return {
        name: {moment: jnp.zeros_like(parameter) for moment in MOMENTS[config.method]}
        for name, parameter in flatten_dict(params, sep="/").items()
    }


def update(
    params: Any, state: State, gradient: Any, rates: Rates, config: OptimizerConfig
) -> tuple[Any, State, Float[Array, ""]]:
    """One update: new parameters, new state, and the gradient's global norm before clipping.

    Clipping comes first, then the method. Decay is decoupled (Loshchilov & Hutter 2019) under both methods:
    the moments know nothing of it, and it is scaled by the learning rate alone. Coupled, it is part of the
    gradient that the method sees, as PyTorch's Adam and SGD define it; the norm is of the gradient without.
    """
    gradient, norm = clip_by_global_norm(flatten_dict(gradient, sep="/"), config.clip)
    flat, new = flatten_dict(params, sep="/"), State()
    for name, parameter in flat.items():
        seen, decay = gradient[name], decays(name, config)
        if decay and config.coupled:
            seen = seen + config.weight_decay * parameter
        direction, new[name] = METHODS[config.method](seen, state[name], rates, config)
        if decay and not config.coupled:
            direction = direction + config.weight_decay * parameter
        flat[name] = parameter - rates.learning_rate * direction
    return unflatten_dict(flat, sep="/"), new, norm


def clip_by_global_norm(gradient: Any, largest: float) -> tuple[Any, Float[Array, ""]]:
    """The gradient, scaled so that its joint norm is at most ``largest``, and the norm before."""
    norm = optax.tree.norm(gradient)
    scale = jnp.minimum(largest / norm, 1.0)
    return jax.tree.map(lambda array: array * scale, gradient), norm


def adam(
    gradient: Float[Array, "*axes"], state: Moments, rates: Rates, config: OptimizerConfig
) -> tuple[Float[Array, "*axes"], Moments]:
    """Where a parameter goes, and its new moments: Kingma & Ba 2015, algorithm 1."""
    mean = config.beta1 * state["mean"] + (1.0 - config.beta1) * gradient
    square = config.beta2 * state["square"] + (1.0 - config.beta2) * gradient * gradient
    root = jnp.sqrt(square / rates.square_weight) + config.eps
    return mean / rates.mean_weight / root, {"mean": mean, "square": square}


def sgd(
    gradient: Float[Array, "*axes"], state: Moments, rates: Rates, config: OptimizerConfig
) -> tuple[Float[Array, "*axes"], Moments]:
    """The same with momentum: beta1 of the last direction, and the gradient undamped."""
    momentum = config.beta1 * state["momentum"] + gradient
    return momentum, {"momentum": momentum}


METHODS = {"adamw": adam, "sgd": sgd}
