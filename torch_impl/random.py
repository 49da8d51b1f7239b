"""Random keys as arguments: the draws of `jax.random` from JAX's generator, in PyTorch.

The same key gives the same bits as `jax.random` with ``jax_threefry_partitionable`` (JAX's default), on
every device. A model given no key (``rng=None``) is deterministic.
"""

import math
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, Int32, Int64
from torch import Tensor

from torch_impl.threefry import WORD, Key, hash_tensors, hash_words

CHUNK = 2**17  # elements hashed at a time, so that the twenty rounds stay in the processor's cache
INTEGERS = {8: torch.int8, 16: torch.int16, 32: torch.int32, 64: torch.int64}


def key(seed: int) -> Key:
    """The key of a seed between 0 and 2^64 - 1; `jax.random.key` takes the low 32 bits unless x64 is on."""
    return Key(seed >> 32 & WORD, seed & WORD)


def fold_in(rng: Key | None, data: int) -> Key | None:
    """The key of part number ``data`` of whatever ``rng`` is for; None stays None."""
    if isinstance(rng, Key) and isinstance(rng.high, Tensor):  # inside of a compiled program
        return Key(*torch.ops.twinformer.fold_in(*rng, data))
    return None if rng is None else Key(*hash_words(rng, 0, data & WORD))


def split(rng: Key, num: int = 2) -> tuple[Key, ...]:
    """As many new keys: number i is ``fold_in(rng, i)``."""
    return tuple(Key(*hash_words(rng, 0, number)) for number in range(num))


def bits(
    rng: Key,
    shape: tuple[int, ...],
    width: Literal[8, 16, 32, 64] = 32,
    device: torch.device | None = None,
) -> Int[Tensor, "..."]:
    """``width`` random bits an element, in a signed integer of that width: PyTorch shifts no unsigned ones.

    64 bits are both words of a hash, 32 their exclusive or, 16 and 8 the lowest of those.
    """
    if isinstance(rng.high, Tensor):  # inside of a compiled program
        return torch.ops.twinformer.bits(*rng, shape, width, device)
    count = math.prod(shape)
    if count >= 2**31:
        raise ValueError(f"shape {shape} has {count} elements: one key draws fewer than 2^31")
    drawn = torch.empty(count, dtype=INTEGERS[width], device=device)
    for start in range(0, count, CHUNK):
        low = torch.arange(start, min(start + CHUNK, count), dtype=torch.int32, device=device)
        high, low = hash_tensors(rng, torch.zeros_like(low), low)
        both = high.to(torch.int64) << 32 | low.to(torch.int64) & WORD if width == 64 else high ^ low
        drawn[start : start + CHUNK] = both
    return drawn.reshape(shape)


def uniform(
    rng: Key,
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
    low: float = 0.0,
    high: float = 1.0,
    device: torch.device | None = None,
) -> Float[Tensor, "..."]:
    """Numbers in [low, high): random bits become the mantissa of a float in [1, 2), less 1, then scaled.

    With bounds other than 0 and 1 the last sum may be rounded up to ``high``, as in JAX.
    XLA may round the product with ``high - low`` and the sum with ``low`` at once, PyTorch rounds each. Where
    the product is exact, as for a difference of 1 or 2, that is the same.
    """
    if dtype == torch.float32:
        mantissa = (bits(rng, shape, 32, device) >> 9) & 0x007FFFFF
        floats = (mantissa | 0x3F800000).view(dtype) - 1.0
    elif dtype == torch.float64:
        mantissa = (bits(rng, shape, 64, device) >> 12) & 0x000FFFFFFFFFFFFF
        floats = (mantissa | 0x3FF0000000000000).view(dtype) - 1.0
    else:
        raise ValueError(f"{dtype}: uniform numbers are drawn in float32 or float64")
    ends = torch.tensor([low, high], dtype=dtype, device=device)
    return torch.maximum(floats * (ends[1] - ends[0]) + ends[0], ends[0])


def normal(
    rng: Key,
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> Float[Tensor, "..."]:
    """Standard normal numbers: the inverse of the distribution function at uniform ones.

    Both frameworks invert the same uniform numbers u to the bit, PyTorch to two units in the last place, JAX
    less exactly: it takes log(1 - u^2) and rounds u^2 before. In a tail, at z, that costs JAX up to
    sqrt(pi / 2) exp(z^2 / 2) eps / 8, and the frameworks differ by as much.
    """
    lowest = torch.finfo(dtype).eps / 2 - 1.0  # the number after -1, which would become minus infinity
    return torch.special.erfinv(uniform(rng, shape, dtype, lowest, 1.0, device)) * math.sqrt(2.0)


def truncated_normal(
    rng: Key,
    low: float,
    high: float,
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> Float[Tensor, "..."]:
    """Standard normal numbers between ``low`` and ``high``, both excluded."""
    ends = torch.tensor([low, high], dtype=dtype)
    below, above = torch.special.erf(ends / math.sqrt(2.0)).tolist()
    drawn = torch.special.erfinv(uniform(rng, shape, dtype, below, above, device)) * math.sqrt(2.0)
    return drawn.clamp(*torch.nextafter(ends, ends.flip(0)).tolist())


def bernoulli(
    rng: Key, p: float, shape: tuple[int, ...], device: torch.device | None = None
) -> Bool[Tensor, "..."]:
    """True with probability ``p``, rounded to float32."""
    return uniform(rng, shape, device=device) < p


def randint(
    rng: Key, shape: tuple[int, ...], low: int, high: int, device: torch.device | None = None
) -> Int32[Tensor, "..."]:
    """Integers from ``low`` up to and without ``high``: the remainder of 64 bits, drawn as two words.

    With more than 2^16 numbers to choose from JAX's product wraps to 0, and the upper word has no effect.
    """
    if not -(2**31) <= low < high <= 2**31:
        raise ValueError(f"no int32 is at least {low} and less than {high}")
    span = high - low
    upper, lower = (bits(half, shape, device=device).to(torch.int64) & WORD for half in split(rng))
    weight = 2**32 % span if span <= 2**16 else 0
    return (low + (upper % span * weight + lower % span) % span).to(torch.int32)


def permutation(rng: Key, n: int, device: torch.device | None = None) -> Int64[Tensor, "n"]:
    """The numbers below ``n`` in random order: sorted by random words, so often that ties do not matter."""
    order = torch.arange(n, device=device)
    for _ in range(math.ceil(3 * math.log(max(1, n)) / math.log(WORD))):
        rng, own_rng = split(rng)
        words = bits(own_rng, (n,), device=device) ^ -(2**31)  # signed, they sort as the unsigned ones do
        order = order[words.argsort(stable=True)]
    return order


def categorical(rng: Key, logits: Float[Tensor, "*axes classes"]) -> Int[Tensor, "*axes"]:
    """A draw from softmax(logits): the largest logit after Gumbel noise (Maddison et al. 2014, section 2).

    In float32 it is `jax.random.categorical`. In float64 the noise comes from the same float32 numbers, so
    that the draws do not depend on the dtype; narrower logits must be widened before.
    """
    tiny = torch.finfo(torch.float32).tiny
    drawn = uniform(rng, tuple(logits.shape), low=tiny, device=logits.device).to(logits.dtype)
    return torch.argmax(logits - torch.log(-torch.log(drawn)), dim=-1)
