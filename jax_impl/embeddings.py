"""What a model reads: token ids become vectors that know their positions."""

import math

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.config import BertConfig, EmbeddingConfig
from jax_impl.layers import (
    Embedding,
    LayerNorm,
    add_bias,
    at_least_float32,
    dropout,
    sinusoidal_positions,
)
from jax_impl.shapes import check_shapes
from jax_impl.taps import Tap, no_tap


class TokenPositionEmbedding(nn.Module):
    """Token embedding + position embedding, then dropout (Vaswani et al. 2017, sections 3.4 and 3.5).

    Sines reach 1, so with them the tokens are multiplied by sqrt(embed) (section 3.4), or positions would
    drown them. With "rotary" and "none" nothing is added. ``start`` is the position of the first token;
    or ``position_ids`` say where each token is.
    """

    config: EmbeddingConfig

    def setup(self) -> None:
        config = self.config
        self.token_embedding = Embedding(config.vocab, config.embed, config.embedding_std)
        if config.position_encoding == "learned":
            self.position_embedding = Embedding(config.max_positions, config.embed, config.embedding_std)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        start: int | Int[Array, ""] = 0,
        position_ids: Int[Array, "batch position"] | None = None,
    ) -> Float[Array, "batch position embed"]:
        config = self.config
        check_shapes({}, ids=(ids, "batch position"), position_ids=(position_ids, "batch position"))
        check_length(ids.shape[1], config)
        tokens = self.token_embedding(ids)
        if config.position_encoding == "sinusoidal":
            tokens = (at_least_float32(tokens) * math.sqrt(config.embed)).astype(tokens.dtype)
        x = tokens = tap("tokens", tokens, "batch position embed")
        axes = "position embed" if position_ids is None else "batch position embed"
        numbers = start + jnp.arange(ids.shape[1], dtype=jnp.int32) if position_ids is None else position_ids
        if config.position_encoding == "learned":
            x = add_bias(tokens, tap("places", self.position_embedding(numbers), axes))
        elif config.position_encoding == "sinusoidal":
            table = jnp.asarray(sinusoidal_positions(config.max_positions, config.embed), tokens.dtype)
            x = add_bias(tokens, tap("places", jnp.take(table, numbers, axis=0), axes))
        x = tap("output", x, "batch position embed")
        return dropout(x, config.dropout, rng)


class SegmentEmbedding(nn.Module):
    """Token + position + segment embedding, norm, then dropout (Devlin et al. 2018, figure 2).

    The segment says which of two sentences a token is in; None: all tokens are in the first. ``position_ids``
    are 0, 1, 2, ... unless given.
    """

    config: BertConfig

    def setup(self) -> None:
        config = self.config
        self.token_embedding = Embedding(config.vocab, config.embed)
        self.position_embedding = Embedding(config.max_positions + config.position_offset, config.embed)
        if config.segments:
            self.segment_embedding = Embedding(config.segments, config.embed)
        self.norm = LayerNorm(config.embed, config.eps)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        position_ids: Int[Array, "batch position"] | None = None,
    ) -> Float[Array, "batch position embed"]:
        config = self.config
        axes = "batch position"
        check_shapes({}, ids=(ids, axes), segment_ids=(segment_ids, axes), position_ids=(position_ids, axes))
        check_length(ids.shape[1], config)
        tokens = tap("tokens", self.token_embedding(ids), "batch position embed")
        if position_ids is None:
            numbers = jnp.arange(ids.shape[1], dtype=jnp.int32)
            x = add_bias(tokens, tap("places", self.position_embedding(numbers), "position embed"))
        else:
            x = tokens + tap("places", self.position_embedding(position_ids), "batch position embed")
        if config.segments:
            segment_ids = jnp.zeros_like(ids) if segment_ids is None else segment_ids
            x = x + tap("segments", self.segment_embedding(segment_ids), "batch position embed")
        return dropout(tap("output", self.norm(x), "batch position embed"), config.dropout, rng)


def offset_positions(mask: Bool[Array, "batch position"], offset: int) -> Int[Array, "batch position"]:
    """RoBERTa's positions: ``offset`` for a row's first real token, and on; ``offset`` - 1 at padding."""
    real = mask.astype(jnp.int32)
    return jnp.cumsum(real, axis=1, dtype=jnp.int32) * real + (offset - 1)


def check_length(length: int, config: EmbeddingConfig) -> None:
    """Raise ValueError where a row has more tokens than the model has positions."""
    if length > config.max_positions:
        raise ValueError(f"{length} tokens in a row, but the model has max_positions={config.max_positions}")
