"""The distributions that initial weights are drawn from.

All draws are uniform: random bits become a uniform number by integer steps and one exact subtraction,
so that both frameworks get the same float32 weights to the last bit, which no normal draw can promise
(it passes through each framework's own inverse error function).
"""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Key

Initializer = Callable[[Key[Array, ""], tuple[int, ...]], Float32[Array, "..."]]


def zeros(rng: Key[Array, ""], shape: tuple[int, ...]) -> Float32[Array, "..."]:
    """All zeros: biases."""
    return jnp.zeros(shape, jnp.float32)


def ones(rng: Key[Array, ""], shape: tuple[int, ...]) -> Float32[Array, "..."]:
    """All ones: the scales of norms."""
    return jnp.ones(shape, jnp.float32)


def uniform(std: float) -> Initializer:
    """Uniform around zero with standard deviation ``std``: U(-a, a) with a = std * sqrt(3)."""
    return partial(_uniform, std * math.sqrt(3.0))


def _uniform(bound: float, rng: Key[Array, ""], shape: tuple[int, ...]) -> Float32[Array, "..."]:
    return (2.0 * jax.random.uniform(rng, shape, jnp.float32) - 1.0) * bound


def xavier(fan_in: int, fan_out: int) -> Initializer:
    """Glorot and Bengio 2010, eq. 16: U(-a, a) with a = sqrt(6 / (fan_in + fan_out))."""
    return uniform(math.sqrt(2.0 / (fan_in + fan_out)))


def kernel_init(fan_in: int, fan_out: int, std: float | None = None) -> Initializer:
    """A weight matrix's: Xavier, or the fixed deviation that a model's paper asks for."""
    return xavier(fan_in, fan_out) if std is None else uniform(std)
