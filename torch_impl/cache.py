"""The cache of keys and values: what attention computed for earlier tokens is kept, not computed again.

It is an argument, in and out: a step reads one, and returns the one that follows.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class KeyValue(NamedTuple):
    """What one attention layer's queries look at."""

    key: Float[Tensor, "batch heads key head_dim"]
    value: Float[Tensor, "batch heads key head_dim"]


class Cache(NamedTuple):
    """Of all layers; ``length`` tokens have been read, and what stands behind them counts for nothing."""

    length: int | Int[Tensor, ""]
    layers: tuple[KeyValue, ...]


class DecoderCache(NamedTuple):
    """Of a decoder that reads a source too, whose keys and values are computed once."""

    length: int | Int[Tensor, ""]
    layers: tuple[KeyValue, ...]
    sources: tuple[KeyValue, ...]


def empty_cache(
    layers: int, shape: tuple[int, int, int, int], dtype: torch.dtype, device: torch.device | None = None
) -> Cache:
    """Nothing read yet; ``shape`` is (batch, heads, capacity, head_dim)."""

    def zeros() -> Tensor:
        return torch.zeros(shape, dtype=dtype, device=device)

    return Cache(0, tuple(KeyValue(zeros(), zeros()) for _ in range(layers)))


def update(cache: KeyValue, new: KeyValue, start: int | Int[Tensor, ""]) -> KeyValue:
    """The cache with the new keys and values from position ``start`` on.

    They are written into the old cache's memory: of the two, use only the new one.
    """
    places = start + torch.arange(new.key.shape[2], device=new.key.device)
    for old, x in zip(cache, new, strict=True):
        old.index_copy_(2, places, x.detach())
    return cache
