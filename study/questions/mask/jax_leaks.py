"""Decoders in Flax whose causal mask lets something through; they are right in all else."""

from unittest.mock import patch

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

import jax_impl.gpt
from jax_impl.gpt import GPT
from jax_impl.masks import causal_mask
from jax_impl.taps import Tap, no_tap


class SeesNext(GPT):
    """The mask is off by one: each query sees the key after its own."""

    def seen(self, query: int, key: int, start: int) -> Bool[Array, "1 heads query key"]:
        return causal_mask(query, key, start + 1)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position vocab"]:
        with patch.object(jax_impl.gpt, "causal_mask", self.seen):
            return super().__call__(ids, mask, rng, tap)


class OneHeadSees(SeesNext):
    """One head of each block has no mask."""

    def seen(self, query: int, key: int, start: int) -> Bool[Array, "1 heads query key"]:
        first = jnp.arange(self.config.heads, dtype=jnp.int32)[None, :, None, None] == 0
        return causal_mask(query, key, start) | first


class SeesAll(SeesNext):
    """There is no mask."""

    def seen(self, query: int, key: int, start: int) -> Bool[Array, "1 heads query key"]:
        return jnp.ones((1, 1, query, key), bool)
