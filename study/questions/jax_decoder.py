"""A GPT whose blocks attend in another way."""

from typing import ClassVar

from jax_impl.attention import MultiHeadAttention
from jax_impl.block import TransformerBlock
from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.gpt import GPT
from jax_impl.layers import FeedForward, new_norm


class BlockOf(TransformerBlock):
    """A block with an attention of this kind."""

    kind: type[MultiHeadAttention]

    def setup(self) -> None:
        self.attention = self.kind(self.config)
        self.attention_norm = new_norm(self.config)
        self.feed_forward = FeedForward(self.config)
        self.feed_forward_norm = new_norm(self.config)


class GPTOf(GPT):
    """GPT-2 with blocks whose attention is of a ``kind``, which a subclass names."""

    kind: ClassVar[type[MultiHeadAttention]]

    def setup(self) -> None:
        self.embeddings = TokenPositionEmbedding(self.config)
        self.blocks = [BlockOf(self.config, self.kind) for _ in range(self.config.layers)]
        self.final_norm = new_norm(self.config)
