"""The text classifier: embeddings, blocks, the mean over real tokens, a linear layer."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.block import TransformerBlock
from torch_impl.config import ClassifierConfig
from torch_impl.embeddings import TokenPositionEmbedding
from torch_impl.layers import Linear, dropout, new_norm
from torch_impl.masks import padding_mask
from torch_impl.random import Key, fold_in
from torch_impl.shapes import check_shapes
from torch_impl.taps import Tap, no_tap, within


def masked_mean(
    x: Float[Tensor, "batch position embed"], mask: Bool[Tensor, "batch position"]
) -> Float[Tensor, "batch embed"]:
    """Mean over the positions where the mask is True; zeros for a row that has none."""
    total = torch.where(mask[:, :, None], x, 0.0).sum(dim=1)
    count = mask.sum(dim=1).clamp(min=1)
    return total / count[:, None].to(x.dtype)


class TextClassifier(nn.Module):
    """Class logits from token ids.

    With ``norm_position="pre"`` one more norm follows the last block, which leaves its sum unnormalised.
    """

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = TokenPositionEmbedding(config)
        self.blocks: Any = nn.ModuleList(TransformerBlock(config) for _ in range(config.layers))
        if config.norm_position == "pre":
            self.final_norm = new_norm(config)
        self.head = Linear(config.embed, config.classes)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch classes"]:
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
