"""What a model reads: token ids become vectors that know their positions."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from torch_impl.layers import (
    Embedding,
    LayerNorm,
    add_bias,
    at_least_float32,
    dropout,
    sinusoidal_positions,
)
from torch_impl.random import Key
from torch_impl.taps import Tap, no_tap


class TokenPositionEmbedding(nn.Module):
    """Token embedding + position embedding, then dropout (Vaswani et al. 2017, sections 3.4 and 3.5).

    ``position`` is "learned" (up to ``positions`` tokens), "sinusoidal" or "none". Sines reach 1, so with
    them the tokens are multiplied by sqrt(embed) (section 3.4), or positions would drown them. ``start`` is
    the position of the first token. ``std`` is the initial deviation of both tables.
    """

    def __init__(
        self,
        vocab: int,
        positions: int,
        embed: int,
        dropout: float = 0.0,
        position: str = "learned",
        std: float = 0.02,
    ) -> None:
        super().__init__()
        if position not in ("learned", "sinusoidal", "none"):
            raise ValueError(f"position={position!r}: choose 'learned', 'sinusoidal' or 'none'")
        self.positions = positions
        self.embed = embed
        self.dropout = dropout
        self.position = position
        self.token_embedding = Embedding(vocab, embed, std)
        if position == "learned":
            self.position_embedding = Embedding(positions, embed, std)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        rng: Key | None = None,
        tap: Tap = no_tap,
        start: int | Int[Tensor, ""] = 0,
    ) -> Float[Tensor, "batch position embed"]:
        length = ids.shape[1]
        if length > self.positions:
            raise ValueError(f"{length} tokens in a row, but the model has positions={self.positions}")
        tokens = self.token_embedding(ids)
        if self.position == "sinusoidal":
            tokens = (at_least_float32(tokens) * math.sqrt(self.embed)).to(tokens.dtype)
        tokens = tap("tokens", tokens, "batch position embed")
        x = tokens
        if self.position != "none":
            numbers = start + torch.arange(length, device=ids.device)
            if self.position == "learned":
                places = self.position_embedding(numbers)
            else:
                table = torch.as_tensor(sinusoidal_positions(self.positions, self.embed)).to(tokens)
                places = table[numbers]
            x = add_bias(tokens, tap("places", places, "position embed"))
        x = tap("output", x, "batch position embed")
        return dropout(x, self.dropout, rng)


class SegmentEmbedding(nn.Module):
    """Token + position + segment embedding, norm, then dropout (Devlin et al. 2018, figure 2).

    The segment says which of two sentences a token is in; None: all tokens are in the first.
    """

    def __init__(
        self,
        vocab: int,
        positions: int,
        embed: int,
        dropout: float = 0.0,
        segments: int = 2,
        epsilon: float = 1e-12,
    ) -> None:
        super().__init__()
        self.positions = positions
        self.dropout = dropout
        self.token_embedding = Embedding(vocab, embed)
        self.position_embedding = Embedding(positions, embed)
        self.segment_embedding = Embedding(segments, embed)
        self.norm = LayerNorm(embed, epsilon)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch position embed"]:
        length = ids.shape[1]
        if length > self.positions:
            raise ValueError(f"{length} tokens in a row, but the model has positions={self.positions}")
        segment_ids = torch.zeros_like(ids) if segment_ids is None else segment_ids
        tokens = tap("tokens", self.token_embedding(ids), "batch position embed")
        numbers = torch.arange(length, device=ids.device)
        places = tap("places", self.position_embedding(numbers), "position embed")
        segments = tap("segments", self.segment_embedding(segment_ids), "batch position embed")
        x = self.norm(add_bias(tokens, places) + segments)
        return dropout(tap("output", x, "batch position embed"), self.dropout, rng)
