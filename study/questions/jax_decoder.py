"""A GPT in Flax whose blocks are of another kind."""

from typing import Any, ClassVar

from jax_impl.attention import MultiHeadAttention
from jax_impl.block import TransformerBlock
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.gpt import GPT
from jax_impl.layers import FeedForward, new_norm


class Decoder(GPT):
    """`GPT` with tied embeddings; what its blocks are, its subclasses say."""

    def setup(self) -> None:
        self.embeddings = TokenPositionEmbedding(self.config)
        self.blocks = self.make_blocks()
        if self.config.norm_position == "pre":
            self.final_norm = new_norm(self.config)

    def make_blocks(self) -> list[Any]:
        """As many blocks as the model has layers."""
        raise NotImplementedError


class BlockOf(TransformerBlock):
    """A block with an attention of this kind."""

    kind: type[MultiHeadAttention]

    def setup(self) -> None:
        self.attention = self.kind(self.config)
        self.attention_norm = new_norm(self.config)
        self.feed_forward = FeedForward(self.config)
        self.feed_forward_norm = new_norm(self.config)


class GPTOf(Decoder):
    """GPT-2 with blocks whose attention is of a ``kind``, which a subclass names."""

    kind: ClassVar[type[MultiHeadAttention]]

    def make_blocks(self) -> list[Any]:
        return [BlockOf(self.config, self.kind) for _ in range(self.config.layers)]
