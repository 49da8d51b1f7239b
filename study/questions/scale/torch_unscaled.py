"""Attention in PyTorch without the division by sqrt(head_dim)."""

import math

from jaxtyping import Float
from torch import Tensor

from study.questions.torch_decoder import GPTOf
from torch_impl.attention import MultiHeadAttention
from torch_impl.taps import Tap, no_tap


class Unscaled(MultiHeadAttention):
    """softmax(Q K^T) V: queries are multiplied by what the scores are divided by."""

    def queries(
        self,
        x: Float[Tensor, "batch query embed"],
        tap: Tap = no_tap,
        angles: Float[Tensor, "query half"] | None = None,
    ) -> Float[Tensor, "batch heads query head_dim"]:
        """What each position asks for, head by head."""
        return super().queries(x, tap, angles) * math.sqrt(self.config.width)


class UnscaledGPT(GPTOf):
    """A GPT of such attention."""

    kind = Unscaled
