"""The cache of keys and values: what attention computed for earlier tokens is kept, not computed again.

It is a tap that intervenes: where attention hands out its new keys, it puts them behind the old ones and
gives all of them back. The model itself knows nothing of it.
"""

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array

from jax_impl.taps import Tap

Cache = dict[str, Array]  # "length", the tokens read; the taps' names, "batch heads room head_dim"


def empty_cache(layers: int, shape: tuple[int, int, int, int], dtype: DTypeLike) -> Cache:
    """Room for the keys and values of all layers, each of shape (batch, heads, room, head_dim)."""
    names = [f"blocks.{n}/attention/{kind}" for n in range(layers) for kind in ("key", "value")]
    return {"length": jnp.zeros((), jnp.int32)} | {name: jnp.zeros(shape, dtype) for name in names}


def remember(cache: Cache, tap: Tap) -> tuple[Tap, Cache]:
    """A tap that completes keys and values from the cache, and the cache that it fills as it goes."""
    grown: Cache = {}

    def keep(name: str, value: Array, axes: str) -> Array:
        value = tap(name, value, axes)
        if name in cache:
            value = jax.lax.dynamic_update_slice_in_dim(cache[name], value, cache["length"], axis=2)
            grown[name] = value
        return value

    return keep, grown
