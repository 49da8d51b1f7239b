"""Threefry-2x32, 20 rounds (Salmon et al. 2011, section 4): the hash that random numbers come from.

A key and a pair of 32-bit words give another pair of words.
"""

from typing import NamedTuple

from jaxtyping import Int32
from torch import Tensor

WORD = 0xFFFFFFFF
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


class Key(NamedTuple):
    """Two 32-bit words, as `jax.random.key_data` shows them."""

    high: int  # in a compiled program a tensor of int64: see compiled_random
    low: int


def hash_words(rng: Key, high: int, low: int) -> tuple[int, int]:
    """The hash of one pair of words, in Python integers."""
    keys = _schedule(rng)
    high, low = (high + keys[0]) & WORD, (low + keys[1]) & WORD
    for group in range(5):
        for rotation in ROTATIONS[group % 2]:
            high = (high + low) & WORD
            low = (low << rotation | low >> (32 - rotation)) & WORD ^ high
        high = (high + keys[(group + 1) % 3]) & WORD
        low = (low + keys[(group + 2) % 3] + group + 1) & WORD
    return high, low


def hash_tensors(
    rng: Key, high: Int32[Tensor, "n"], low: Int32[Tensor, "n"]
) -> tuple[Int32[Tensor, "n"], Int32[Tensor, "n"]]:
    """The hash of n pairs of words, overwriting both tensors.

    PyTorch adds and shifts no unsigned words. int32 sums wrap around as unsigned ones do; a right shift
    copies the sign, so it is masked off.
    """
    keys = _schedule(rng)
    high.add_(_signed(keys[0]))
    low.add_(_signed(keys[1]))
    for group in range(5):
        for rotation in ROTATIONS[group % 2]:
            high.add_(low)
            wrapped = (low >> (32 - rotation)).bitwise_and_((1 << rotation) - 1)
            low.bitwise_left_shift_(rotation).bitwise_or_(wrapped).bitwise_xor_(high)
        high.add_(_signed(keys[(group + 1) % 3]))
        low.add_(_signed(keys[(group + 2) % 3] + group + 1))
    return high, low


def _schedule(rng: Key) -> tuple[int, int, int]:
    """The three words that are added between the rounds."""
    return rng.high, rng.low, rng.high ^ rng.low ^ 0x1BD11BDA


def _signed(word: int) -> int:
    """The int32 with the same bits."""
    return (word + 2**31) % 2**32 - 2**31
