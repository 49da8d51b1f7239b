"""A GPT in Flax whose blocks are of another kind."""

from typing import Any

from jax_impl.embeddings import TokenPositionEmbedding
from jax_impl.gpt import GPT
from jax_impl.layers import new_norm


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
