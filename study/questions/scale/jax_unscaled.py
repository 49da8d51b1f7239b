"""Attention in Flax without the division by sqrt(head_dim)."""

import math

from jaxtyping import Array, Float

from jax_impl.attention import MultiHeadAttention
from jax_impl.taps import Tap, no_tap
from study.questions.jax_decoder import GPTOf


class Unscaled(MultiHeadAttention):
    """softmax(Q K^T) V: queries are multiplied by what the scores are divided by."""

    def queries(
        self,
        x: Float[Array, "batch query embed"],
        tap: Tap = no_tap,
        angles: Float[Array, "query half"] | None = None,
    ) -> Float[Array, "batch heads query head_dim"]:
        """What each position asks for, head by head."""
        return super().queries(x, tap, angles) * math.sqrt(self.config.width)


class UnscaledGPT(GPTOf):
    """A GPT of such attention."""

    kind = Unscaled
