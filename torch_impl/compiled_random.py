"""Keys and bits inside of a compiled program: tensors for the words of a key, and the hash as one operation.

A key of Python integers would be a constant of the program, which would be compiled anew for each; and the
hash, written out at every place that drops something, would be most of the program.
"""

from typing import Any

import torch
from torch import Tensor

from torch_impl import random, threefry


def key_in_tensors(rng: threefry.Key | None) -> threefry.Key | None:
    """The key as a compiled program takes it, on the host; None stays None."""
    return None if rng is None else threefry.Key._make(map(torch.tensor, rng))


@torch.library.custom_op("twinformer::fold_in", mutates_args=())
def fold_in(high: Tensor, low: Tensor, data: int) -> Tensor:
    """`random.fold_in`, both words in one tensor."""
    return torch.tensor(threefry.hash_words(threefry.Key(int(high), int(low)), 0, data & threefry.WORD))


@fold_in.register_fake
def _(high: Tensor, low: Tensor, data: int) -> Tensor:
    return torch.empty(2, dtype=torch.int64)


@torch.library.custom_op("twinformer::bits", mutates_args=())
def bits(high: Tensor, low: Tensor, shape: list[int], width: int, device: torch.device | None) -> Tensor:
    """`random.bits`."""
    kind: Any = width
    return random.bits(threefry.Key(int(high), int(low)), tuple(shape), kind, device)


@bits.register_fake
def _(high: Tensor, low: Tensor, shape: list[int], width: int, device: torch.device | None) -> Tensor:
    return torch.empty(shape, dtype=random.INTEGERS[width], device=device)
