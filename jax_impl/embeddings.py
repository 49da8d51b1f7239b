"""What a model reads: token ids become vectors that know their positions."""

import math

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key

from jax_impl.layers import Embedding, dropout, sinusoidal_positions
from jax_impl.taps import Tap, no_tap


class TokenPositionEmbedding(nn.Module):
    """Token embedding + position embedding, then dropout (Vaswani et al. 2017, sections 3.4 and 3.5).

    ``position`` is "learned" (up to ``positions`` tokens) or "sinusoidal". Sines reach 1, so with them the
    tokens are multiplied by sqrt(embed) (section 3.4), or positions would drown them.
    """

    vocab: int
    positions: int
    embed: int
    dropout: float = 0.0
    position: str = "learned"

    def setup(self) -> None:
        if self.position not in ("learned", "sinusoidal"):
            raise ValueError(f"position={self.position!r}: choose 'learned' or 'sinusoidal'")
        self.token_embedding = Embedding(self.vocab, self.embed)
        if self.position == "learned":
            self.position_embedding = Embedding(self.positions, self.embed)

    def __call__(
        self, ids: Int[Array, "batch position"], rng: Key[Array, ""] | None = None, tap: Tap = no_tap
    ) -> Float[Array, "batch position embed"]:
        length = ids.shape[1]
        if length > self.positions:
            raise ValueError(f"{length} tokens in a row, but the model has positions={self.positions}")
        tokens = self.token_embedding(ids)
        if self.position == "sinusoidal":
            tokens = tokens * math.sqrt(self.embed)
        tokens = tap("tokens", tokens, "batch position embed")
        if self.position == "learned":
            places = self.position_embedding(jnp.arange(length))
        else:
            places = jnp.asarray(sinusoidal_positions(length, self.embed), tokens.dtype)
        places = tap("places", places, "position embed")
        x = tap("output", tokens + places[None, :, :], "batch position embed")
        return dropout(x, self.dropout, rng)
