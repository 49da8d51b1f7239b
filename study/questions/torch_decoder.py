"""A GPT in PyTorch whose blocks are of another kind."""

from typing import Any, ClassVar

from torch import nn

from torch_impl.attention import MultiHeadAttention
from torch_impl.block import TransformerBlock
from torch_impl.config import BlockConfig, GPTConfig
from torch_impl.embeddings import TokenPositionEmbedding
from torch_impl.gpt import GPT
from torch_impl.layers import FeedForward, new_norm


class Decoder(GPT):
    """`GPT` with tied embeddings; what its blocks are, its subclasses say."""

    def __init__(self, config: GPTConfig) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.embeddings = TokenPositionEmbedding(config)
        self.blocks = nn.ModuleList(self.make_blocks())
        if config.norm_position == "pre":
            self.final_norm = new_norm(config)

    def make_blocks(self) -> list[Any]:
        """As many blocks as the model has layers."""
        raise NotImplementedError


class BlockOf(TransformerBlock):
    """A block with an attention of this kind."""

    def __init__(self, config: BlockConfig, kind: type[MultiHeadAttention]) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.attention = kind(config)
        self.attention_norm = new_norm(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = new_norm(config)


class GPTOf(Decoder):
    """GPT-2 with blocks whose attention is of a ``kind``, which a subclass names."""

    kind: ClassVar[type[MultiHeadAttention]]

    def make_blocks(self) -> list[Any]:
        return [BlockOf(self.config, self.kind) for _ in range(self.config.layers)]
