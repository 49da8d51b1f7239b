"""Random keys as arguments: JAX's Threefry-2x32 in PyTorch integer arithmetic.

The same key gives the same bits as `jax.random` with ``jax_threefry_partitionable`` (JAX's default), on
every device. A model given no key (``rng=None``) is deterministic.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Float32, Int, Int32
from torch import Tensor

WORD = 0xFFFFFFFF
CHUNK = 2**17  # elements hashed at a time, so that the twenty rounds stay in the processor's cache
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


class Key(NamedTuple):
    """Two 32-bit words, as `jax.random.key_data` shows them."""

    high: int
    low: int


def key(seed: int) -> Key:
    """The key of a seed between 0 and 2^64 - 1; `jax.random.key` takes the low 32 bits unless x64 is on."""
    return Key(seed >> 32 & WORD, seed & WORD)


def fold_in(rng: Key | None, data: int) -> Key | None:
    """The key of part number ``data`` of whatever ``rng`` is for; None stays None."""
    return None if rng is None else Key(*_hash_words(rng, 0, data & WORD))


def bits(rng: Key, shape: tuple[int, ...], device: torch.device | None = None) -> Int32[Tensor, "..."]:
    """32 random bits an element. PyTorch adds and shifts no unsigned words, so they come as int32."""
    count = math.prod(shape)
    if count >= 2**31:
        raise ValueError(f"shape {shape} has {count} elements: one key draws fewer than 2^31")
    drawn = torch.empty(count, dtype=torch.int32, device=device)
    for start in range(0, count, CHUNK):
        low = torch.arange(start, min(start + CHUNK, count), dtype=torch.int32, device=device)
        high, low = _threefry(rng, torch.zeros_like(low), low)
        torch.bitwise_xor(high, low, out=drawn[start : start + CHUNK])
    return drawn.reshape(shape)


def uniform(rng: Key, shape: tuple[int, ...], device: torch.device | None = None) -> Float32[Tensor, "..."]:
    """Numbers in [0, 1): 23 random bits become the mantissa of a float in [1, 2), less 1."""
    mantissa = (bits(rng, shape, device) >> 9) & 0x007FFFFF
    return (mantissa | 0x3F800000).view(torch.float32) - 1.0


def categorical(rng: Key, logits: Float[Tensor, "*axes classes"]) -> Int[Tensor, "*axes"]:
    """A draw from softmax(logits): the largest logit after Gumbel noise (Maddison et al. 2014, section 2).

    In float32 it is `jax.random.categorical`. In float64 the noise comes from the same float32 numbers, so
    that the draws do not depend on the dtype; narrower logits must be widened before.
    """
    tiny = torch.finfo(torch.float32).tiny
    drawn = uniform(rng, tuple(logits.shape), logits.device).clamp(min=tiny).to(logits.dtype)
    return torch.argmax(logits - torch.log(-torch.log(drawn)), dim=-1)


def _hash_words(rng: Key, high: int, low: int) -> tuple[int, int]:
    """Threefry-2x32 of one pair of words, in Python integers."""
    keys = (rng.high, rng.low, rng.high ^ rng.low ^ 0x1BD11BDA)
    high, low = (high + keys[0]) & WORD, (low + keys[1]) & WORD
    for group in range(5):
        for rotation in ROTATIONS[group % 2]:
            high = (high + low) & WORD
            low = (low << rotation | low >> (32 - rotation)) & WORD ^ high
        high = (high + keys[(group + 1) % 3]) & WORD
        low = (low + keys[(group + 2) % 3] + group + 1) & WORD
    return high, low


def _threefry(
    rng: Key, high: Int32[Tensor, "n"], low: Int32[Tensor, "n"]
) -> tuple[Int32[Tensor, "n"], Int32[Tensor, "n"]]:
    """Threefry-2x32, 20 rounds (Salmon et al. 2011, section 4), overwriting both tensors.

    int32 sums wrap around as unsigned ones do; a right shift copies the sign, so it is masked off.
    """
    keys = [_signed(word) for word in (rng.high, rng.low, rng.high ^ rng.low ^ 0x1BD11BDA)]
    high.add_(keys[0])
    low.add_(keys[1])
    for group in range(5):
        for rotation in ROTATIONS[group % 2]:
            high.add_(low)
            wrapped = (low >> (32 - rotation)).bitwise_and_((1 << rotation) - 1)
            low.bitwise_left_shift_(rotation).bitwise_or_(wrapped).bitwise_xor_(high)
        high.add_(keys[(group + 1) % 3])
        low.add_(_signed(keys[(group + 2) % 3] + group + 1))
    return high, low


def _signed(word: int) -> int:
    """The int32 with the same bits."""
    return (word + 2**31) % 2**32 - 2**31
