"""AdamW and SGD in JAX: pure functions of parameters, state and gradient.

The state is of each parameter, by its flat name, the moments that the method keeps.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float

from train.config import Optimizer
from train.loops.optimizer import MOMENTS, Rates, decays

Moments = dict[str, Float[Array, "*axes"]]
State = dict[str, Moments]


def init(params: Any, optimizer: Optimizer) -> State:
    """The state before the first update: zeros."""
    return {
        name: {moment: jnp.zeros_like(parameter) for moment in MOMENTS[optimizer.method]}
        for name, parameter in flatten_dict(params, sep="/").items()
    }


def update(
    params: Any, state: State, gradient: Any, rates: Rates, optimizer: Optimizer
) -> tuple[Any, State, Float[Array, ""]]:
    """One update: new parameters, new state, and the gradient's global norm before clipping.

    Clipping comes first, then the method. Decay is decoupled (Loshchilov & Hutter 2019) under both methods:
    the moments know nothing of it, and it is scaled by the learning rate alone. For SGD that is not PyTorch's
    definition, which adds the decay to the gradient.
    """
    gradient, norm = clip_by_global_norm(flatten_dict(gradient, sep="/"), optimizer.clip)
    flat, new = flatten_dict(params, sep="/"), State()
    for name, parameter in flat.items():
        direction, new[name] = METHODS[optimizer.method](gradient[name], state[name], rates, optimizer)
        if decays(name):
            direction = direction + optimizer.weight_decay * parameter
        flat[name] = parameter - rates.learning_rate * direction
    return unflatten_dict(flat, sep="/"), new, norm


def clip_by_global_norm(gradient: Any, largest: float) -> tuple[Any, Float[Array, ""]]:
    """The gradient, scaled so that its joint norm is at most ``largest``, and the norm before."""
    norm = optax.tree.norm(gradient)
    scale = jnp.minimum(largest / norm, 1.0)
    return jax.tree.map(lambda array: array * scale, gradient), norm


def adam(
    gradient: Float[Array, "*axes"], state: Moments, rates: Rates, optimizer: Optimizer
) -> tuple[Float[Array, "*axes"], Moments]:
    """Where a parameter goes, and its new moments: Kingma & Ba 2015, algorithm 1."""
    mean = optimizer.beta1 * state["mean"] + (1.0 - optimizer.beta1) * gradient
    square = optimizer.beta2 * state["square"] + (1.0 - optimizer.beta2) * gradient * gradient
    root = jnp.sqrt(square / rates.square_weight) + optimizer.eps
    return mean / rates.mean_weight / root, {"mean": mean, "square": square}


def sgd(
    gradient: Float[Array, "*axes"], state: Moments, rates: Rates, optimizer: Optimizer
) -> tuple[Float[Array, "*axes"], Moments]:
    """The same with momentum: beta1 of the last direction, and the gradient undamped."""
    momentum = optimizer.beta1 * state["momentum"] + gradient
    return momentum, {"momentum": momentum}


METHODS = {"adamw": adam, "sgd": sgd}
