"""The cache of keys and values: what attention computed for earlier tokens is kept, not computed again.

It is an argument, in and out: a step reads one, and returns the one that follows.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int


class KeyValue(NamedTuple):
    """What one attention layer's queries look at."""

    key: Float[Array, "batch heads key head_dim"]
    value: Float[Array, "batch heads key head_dim"]


class Cache(NamedTuple):
    """Of all layers; ``length`` tokens have been read, and what stands behind them counts for nothing."""

    length: Int[Array, ""]
    layers: tuple[KeyValue, ...]


class DecoderCache(NamedTuple):
    """Of a decoder that reads a source too, whose keys and values are computed once."""

    length: Int[Array, ""]
    layers: tuple[KeyValue, ...]
    sources: tuple[KeyValue, ...]


def empty_cache(layers: int, shape: tuple[int, int, int, int], dtype: DTypeLike) -> Cache:
    """Nothing read yet; ``shape`` is (batch, heads, capacity, head_dim)."""
    empty = tuple(KeyValue(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype)) for _ in range(layers))
    return Cache(jnp.zeros((), jnp.int32), empty)


def update(cache: KeyValue, new: KeyValue, start: int | Int[Array, ""]) -> KeyValue:
    """The cache with the new keys and values from position ``start`` on."""

    def write(old: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
        written = jax.lax.dynamic_update_slice_in_dim(_squeezed(old), _squeezed(x), start, axis=-2)
        return written.reshape(old.shape)

    return KeyValue(*map(write, cache, new))


def _squeezed(x: Array) -> Array:
    """Without axes of one row or one head, as XLA's matmuls read it.

    A loop that carries what they read writes into it where it lies; of another shape XLA copies the cache.
    """
    return x.reshape((*(size for size in x.shape[:2] if size > 1), *x.shape[2:]))
