"""The text classifier: embeddings, blocks, the mean over real tokens, a linear layer."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.block import TransformerBlock
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.layers import LayerNorm, Linear, dropout
from jax_impl.masks import padding_mask
from jax_impl.random import fold_in
from jax_impl.taps import Tap, no_tap, within


def masked_mean(
    x: Float[Array, "batch position embed"], mask: Bool[Array, "batch position"]
) -> Float[Array, "batch embed"]:
    """Mean over the positions where the mask is True; zeros for a row that has none."""
    total = jnp.where(mask[:, :, None], x, 0.0).sum(axis=1)
    count = jnp.maximum(mask.sum(axis=1, dtype=jnp.int32), 1)
    return total / count[:, None].astype(x.dtype)


class TextClassifier(nn.Module):
    """Class logits from token ids.

    With ``norm="pre"`` one more norm follows the last block, which leaves its sum unnormalised.
    """

    vocab: int
    classes: int
    positions: int
    embed: int
    heads: int
    mlp: int
    layers: int
    dropout: float = 0.0
    norm: str = "pre"
    activation: str = "gelu"
    position: str = "learned"
    epsilon: float = 1e-5

    def setup(self) -> None:
        self.embeddings = TokenPositionEmbedding(
            self.vocab, self.positions, self.embed, self.dropout, self.position
        )
        self.blocks = [
            TransformerBlock(
                self.embed,
                self.heads,
                self.mlp,
                self.dropout,
                self.norm,
                self.activation,
                self.epsilon,
            )
            for _ in range(self.layers)
        ]
        if self.norm == "pre":
            self.final_norm = LayerNorm(self.embed, self.epsilon)
        self.head = Linear(self.embed, self.classes)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch classes"]:
        x = self.embeddings(ids, fold_in(rng, 0), within(tap, "embeddings"))
        for number, block in enumerate(self.blocks):
            scope = within(tap, f"blocks.{number}")
            x = block(x, padding_mask(mask), fold_in(rng, number + 1), scope)
        if self.norm == "pre":
            x = tap("final_norm", self.final_norm(x), "batch position embed")
        pooled = tap("pooled", masked_mean(x, mask), "batch embed")
        pooled = dropout(pooled, self.dropout, fold_in(rng, self.layers + 1))
        return tap("logits", self.head(pooled), "batch classes")
