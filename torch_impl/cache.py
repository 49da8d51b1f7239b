"""The cache of keys and values: what attention computed for earlier tokens is kept, not computed again.

It is a tap that intervenes: where attention hands out its new keys, it puts them behind the old ones and
gives all of them back. The model itself knows nothing of it.
"""

import torch
from torch import Tensor

from torch_impl.taps import Tap

Cache = dict[str, Tensor]  # "length", the tokens read; the taps' names, "batch heads room head_dim"


def empty_cache(layers: int, shape: tuple[int, int, int, int], dtype: torch.dtype) -> Cache:
    """Room for the keys and values of all layers, each of shape (batch, heads, room, head_dim)."""
    names = [f"blocks.{n}/attention/{kind}" for n in range(layers) for kind in ("key", "value")]
    return {"length": torch.zeros((), dtype=torch.int32)} | {
        n: torch.zeros(shape, dtype=dtype) for n in names
    }


def remember(cache: Cache, tap: Tap) -> tuple[Tap, Cache]:
    """A tap that completes keys and values from the cache, and the cache that it fills as it goes.

    The new keys are written into the old cache's memory: of the two, use only the new one.
    """
    grown: Cache = {}
    start = int(cache["length"])

    def keep(name: str, value: Tensor, axes: str) -> Tensor:
        value = tap(name, value, axes)
        if name in cache:
            cache[name][:, :, start : start + value.shape[2]] = value.detach()
            value = grown[name] = cache[name]
        return value

    return keep, grown
