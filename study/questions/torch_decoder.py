"""A GPT in PyTorch whose blocks are of another kind."""

from typing import Any

from torch import nn

from torch_impl.config import GPTConfig
from torch_impl.embeddings import TokenPositionEmbedding
from torch_impl.gpt import GPT
from torch_impl.layers import new_norm


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
