"""The text classifier: embeddings, blocks, the mean over real tokens, a linear layer."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.block import TransformerBlock
from jax_impl.config import ClassifierConfig
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.layers import Linear, dropout, new_norm
from jax_impl.masks import padding_mask
from jax_impl.random import fold_in
from jax_impl.shapes import check_shapes
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

    With ``norm_position="pre"`` one more norm follows the last block, which leaves its sum unnormalised.
    """

    config: ClassifierConfig

    def setup(self) -> None:
        config = self.config
        self.embeddings = TokenPositionEmbedding(config)
        self.blocks = [TransformerBlock(config) for _ in range(config.layers)]
        if config.norm_position == "pre":
            self.final_norm = new_norm(config)
        self.head = Linear(config.embed, config.classes)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch classes"]:
        check_shapes({}, ids=(ids, "batch position"), mask=(mask, "batch position"))
        x = self.embeddings(ids, fold_in(rng, 0), within(tap, "embeddings"))
        attention_mask = padding_mask(mask)
        for number, block in enumerate(self.blocks):
            x = block(x, attention_mask, fold_in(rng, number + 1), within(tap, f"blocks.{number}"))
        if self.config.norm_position == "pre":
            x = tap("final_norm", self.final_norm(x), "batch position embed")
        pooled = tap("pooled", masked_mean(x, mask), "batch embed")
        pooled = dropout(pooled, self.config.dropout, fold_in(rng, self.config.layers + 1))
        return tap("logits", self.head(pooled), "batch classes")
