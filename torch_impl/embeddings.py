"""What a model reads: token ids become vectors that know their positions."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from torch_impl.layers import Embedding, dropout, sinusoidal_positions
from torch_impl.random import Key
from torch_impl.taps import Tap, no_tap


class TokenPositionEmbedding(nn.Module):
    """Token embedding + position embedding, then dropout (Vaswani et al. 2017, sections 3.4 and 3.5).

    ``position`` is "learned" (up to ``positions`` tokens) or "sinusoidal". Sines reach 1, so with them the
    tokens are multiplied by sqrt(embed) (section 3.4), or positions would drown them.
    """

    def __init__(
        self, vocab: int, positions: int, embed: int, dropout: float = 0.0, position: str = "learned"
    ) -> None:
        super().__init__()
        if position not in ("learned", "sinusoidal"):
            raise ValueError(f"position={position!r}: choose 'learned' or 'sinusoidal'")
        self.positions = positions
        self.embed = embed
        self.dropout = dropout
        self.position = position
        self.token_embedding = Embedding(vocab, embed)
        if position == "learned":
            self.position_embedding = Embedding(positions, embed)

    def forward(
        self, ids: Int[Tensor, "batch position"], rng: Key | None = None, tap: Tap = no_tap
    ) -> Float[Tensor, "batch position embed"]:
        length = ids.shape[1]
        if length > self.positions:
            raise ValueError(f"{length} tokens in a row, but the model has positions={self.positions}")
        tokens = self.token_embedding(ids)
        if self.position == "sinusoidal":
            tokens = tokens * math.sqrt(self.embed)
        tokens = tap("tokens", tokens, "batch position embed")
        if self.position == "learned":
            places = self.position_embedding(torch.arange(length, device=ids.device))
        else:
            places = torch.as_tensor(sinusoidal_positions(length, self.embed)).to(tokens)
        places = tap("places", places, "position embed")
        x = tap("output", tokens + places[None, :, :], "batch position embed")
        return dropout(x, self.dropout, rng)
