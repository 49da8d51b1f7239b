"""The text classifier: embeddings, blocks, the mean over real tokens, a linear layer."""

from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.block import TransformerBlock
from jax_impl.config import ClassifierConfig
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.layers import Linear, dropout, new_norm
from jax_impl.masks import padding_mask, same_text_mask
from jax_impl.ngrams import NGramRatios
from jax_impl.pooling import masked_mean, packed_mean
from jax_impl.random import fold_in
from jax_impl.shapes import check_shapes
from jax_impl.taps import Tap, no_tap, within


class TextClassifier(nn.Module):
    """Class logits from token ids.

    Texts may share rows: ``text_ids`` says which of the batch's texts a token is of (-1 at padding),
    ``position_ids`` where it stands there, and ``lengths`` how many tokens each text has. A text then sees
    itself alone, so the logits are those of a row of its own; "row" is "batch" where texts have one each.

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
        if config.ngram_buckets:
            self.ngrams = NGramRatios(config)

    def __call__(
        self,
        ids: Int[Array, "row position"],
        mask: Bool[Array, "row position"],
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        position_ids: Int[Array, "row position"] | None = None,
        text_ids: Int[Array, "row position"] | None = None,
        lengths: Int[Array, "batch"] | None = None,
    ) -> Float[Array, "batch classes"]:
        axes = "batch position"
        check_shapes({}, ids=(ids, axes), mask=(mask, axes), text_ids=(text_ids, axes))
        x = self.embeddings(ids, fold_in(rng, 0), within(tap, "embeddings"), 0, position_ids)
        attention_mask = padding_mask(mask) if text_ids is None else same_text_mask(text_ids)
        for number, block in enumerate(self.blocks):
            x = block(x, attention_mask, fold_in(rng, number + 1), within(tap, f"blocks.{number}"))
        if self.config.norm_position == "pre":
            x = tap("final_norm", self.final_norm(x), "batch position embed")
        if text_ids is None or lengths is None:
            pooled = masked_mean(x, mask)
        else:
            pooled = packed_mean(x, text_ids, lengths)
        pooled = tap("pooled", pooled, "batch embed")
        pooled = dropout(pooled, self.config.dropout, fold_in(rng, self.config.layers + 1))
        logits = self.head(pooled)
        if self.config.ngram_buckets:
            own_rng = fold_in(rng, self.config.layers + 2)
            logits = logits + self.ngrams(ids, mask, own_rng, within(tap, "ngrams"), text_ids, lengths)
        return tap("logits", logits, "batch classes")
