"""A GPT whose blocks attend in another way."""

from typing import ClassVar

from torch_impl.attention import MultiHeadAttention
from torch_impl.config import GPTConfig
from torch_impl.gpt import GPT


class GPTOf(GPT):
    """GPT-2 with blocks whose attention is of a ``kind``, which a subclass names."""

    kind: ClassVar[type[MultiHeadAttention]]

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        for block in self.blocks:
            block.attention = self.kind(config)
