"""What a model reads: token ids become vectors that know their positions."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.config import BertConfig, EmbeddingConfig
from torch_impl.layers import (
    Embedding,
    LayerNorm,
    add_bias,
    at_least_float32,
    dropout,
)
from torch_impl.random import Key
from torch_impl.shapes import check_shapes
from torch_impl.tables import sinusoidal_table
from torch_impl.taps import Tap, no_tap


class TokenPositionEmbedding(nn.Module):
    """Token embedding + position embedding, then dropout (Vaswani et al. 2017, sections 3.4 and 3.5).

    Sines reach 1, so with them the tokens are multiplied by sqrt(embed) (section 3.4), or positions would
    drown them. With "rotary" and "none" nothing is added. ``start`` is the position of the first token;
    or ``position_ids`` say where each token is.
    """

    def __init__(self, config: EmbeddingConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = Embedding(config.vocab, config.embed, config.embedding_std)
        if config.position_encoding == "learned":
            self.position_embedding = Embedding(config.max_positions, config.embed, config.embedding_std)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        rng: Key | None = None,
        tap: Tap = no_tap,
        start: int | Int[Tensor, ""] = 0,
        position_ids: Int[Tensor, "batch position"] | None = None,
    ) -> Float[Tensor, "batch position embed"]:
        config = self.config
        check_shapes({}, ids=(ids, "batch position"), position_ids=(position_ids, "batch position"))
        check_length(ids.shape[1], config)
        tokens = self.token_embedding(ids)
        if config.position_encoding == "sinusoidal":
            tokens = (at_least_float32(tokens) * math.sqrt(config.embed)).to(tokens.dtype)
        x = tokens = tap("tokens", tokens, "batch position embed")
        axes = "position embed" if position_ids is None else "batch position embed"
        counted = start + torch.arange(ids.shape[1], device=ids.device)
        numbers = counted if position_ids is None else position_ids
        if config.position_encoding == "learned":
            x = add_bias(tokens, tap("places", self.position_embedding(numbers), axes))
        elif config.position_encoding == "sinusoidal":
            table = sinusoidal_table(config.max_positions, config.embed, tokens.dtype, ids.device)
            x = add_bias(tokens, tap("places", table[numbers], axes))
        x = tap("output", x, "batch position embed")
        return dropout(x, config.dropout, rng)


class SegmentEmbedding(nn.Module):
    """Token + position + segment embedding, norm, then dropout (Devlin et al. 2018, figure 2).

    The segment says which of two sentences a token is in; None: all tokens are in the first. ``position_ids``
    are 0, 1, 2, ... unless given.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = Embedding(config.vocab, config.embed)
        self.position_embedding = Embedding(config.max_positions + config.position_offset, config.embed)
        if config.segments:
            self.segment_embedding = Embedding(config.segments, config.embed)
        self.norm = LayerNorm(config.embed, config.eps)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        position_ids: Int[Tensor, "batch position"] | None = None,
    ) -> Float[Tensor, "batch position embed"]:
        config = self.config
        axes = "batch position"
        check_shapes({}, ids=(ids, axes), segment_ids=(segment_ids, axes), position_ids=(position_ids, axes))
        check_length(ids.shape[1], config)
        tokens = tap("tokens", self.token_embedding(ids), "batch position embed")
        if position_ids is None:
            numbers = torch.arange(ids.shape[1], device=ids.device)
            x = add_bias(tokens, tap("places", self.position_embedding(numbers), "position embed"))
        else:
            x = tokens + tap("places", self.position_embedding(position_ids), "batch position embed")
        if config.segments:
            segment_ids = torch.zeros_like(ids) if segment_ids is None else segment_ids
            x = x + tap("segments", self.segment_embedding(segment_ids), "batch position embed")
        return dropout(tap("output", self.norm(x), "batch position embed"), config.dropout, rng)


def offset_positions(mask: Bool[Tensor, "batch position"], offset: int) -> Int[Tensor, "batch position"]:
    """RoBERTa's positions: ``offset`` for a row's first real token, and on; ``offset`` - 1 at padding."""
    real = mask.long()
    return real.cumsum(dim=1) * real + (offset - 1)


def check_length(length: int, config: EmbeddingConfig) -> None:
    """Raise ValueError where a row has more tokens than the model has positions."""
    if length > config.max_positions:
        raise ValueError(f"{length} tokens in a row, but the model has max_positions={config.max_positions}")
