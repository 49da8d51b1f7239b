"""What a model reads: token ids become vectors that know their positions."""

import math

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key

from jax_impl.layers import (
    Embedding,
    LayerNorm,
    add_bias,
    at_least_float32,
    dropout,
    sinusoidal_positions,
)
from jax_impl.taps import Tap, no_tap


class TokenPositionEmbedding(nn.Module):
    """Token embedding + position embedding, then dropout (Vaswani et al. 2017, sections 3.4 and 3.5).

    ``position`` is "learned" (up to ``positions`` tokens), "sinusoidal" or "none". Sines reach 1, so with
    them the tokens are multiplied by sqrt(embed) (section 3.4), or positions would drown them. ``start`` is
    the position of the first token. ``std`` is the initial deviation of both tables.
    """

    vocab: int
    positions: int
    embed: int
    dropout: float = 0.0
    position: str = "learned"
    std: float = 0.02

    def setup(self) -> None:
        if self.position not in ("learned", "sinusoidal", "none"):
            raise ValueError(f"position={self.position!r}: choose 'learned', 'sinusoidal' or 'none'")
        self.token_embedding = Embedding(self.vocab, self.embed, self.std)
        if self.position == "learned":
            self.position_embedding = Embedding(self.positions, self.embed, self.std)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        start: int | Int[Array, ""] = 0,
    ) -> Float[Array, "batch position embed"]:
        length = ids.shape[1]
        if length > self.positions:
            raise ValueError(f"{length} tokens in a row, but the model has positions={self.positions}")
        tokens = self.token_embedding(ids)
        if self.position == "sinusoidal":
            tokens = (at_least_float32(tokens) * math.sqrt(self.embed)).astype(tokens.dtype)
        tokens = tap("tokens", tokens, "batch position embed")
        x = tokens
        if self.position != "none":
            numbers = start + jnp.arange(length, dtype=jnp.int32)
            if self.position == "learned":
                places = self.position_embedding(numbers)
            else:
                table = jnp.asarray(sinusoidal_positions(self.positions, self.embed), tokens.dtype)
                places = jnp.take(table, numbers, axis=0)
            x = add_bias(tokens, tap("places", places, "position embed"))
        x = tap("output", x, "batch position embed")
        return dropout(x, self.dropout, rng)


class SegmentEmbedding(nn.Module):
    """Token + position + segment embedding, norm, then dropout (Devlin et al. 2018, figure 2).

    The segment says which of two sentences a token is in; None: all tokens are in the first.
    """

    vocab: int
    positions: int
    embed: int
    dropout: float = 0.0
    segments: int = 2
    epsilon: float = 1e-12

    def setup(self) -> None:
        self.token_embedding = Embedding(self.vocab, self.embed)
        self.position_embedding = Embedding(self.positions, self.embed)
        self.segment_embedding = Embedding(self.segments, self.embed)
        self.norm = LayerNorm(self.embed, self.epsilon)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position embed"]:
        length = ids.shape[1]
        if length > self.positions:
            raise ValueError(f"{length} tokens in a row, but the model has positions={self.positions}")
        segment_ids = jnp.zeros_like(ids) if segment_ids is None else segment_ids
        tokens = tap("tokens", self.token_embedding(ids), "batch position embed")
        places = tap("places", self.position_embedding(jnp.arange(length)), "position embed")
        segments = tap("segments", self.segment_embedding(segment_ids), "batch position embed")
        x = self.norm(add_bias(tokens, places) + segments)
        return dropout(tap("output", x, "batch position embed"), self.dropout, rng)
