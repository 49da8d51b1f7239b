"""The text classifier: embeddings, blocks, the mean over real tokens, a linear layer."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.block import TransformerBlock
from torch_impl.embeddings import TokenPositionEmbedding
from torch_impl.layers import LayerNorm, Linear, dropout
from torch_impl.masks import padding_mask
from torch_impl.random import Key, fold_in
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

    With ``norm="pre"`` one more norm follows the last block, which leaves its sum unnormalised.
    """

    def __init__(
        self,
        vocab: int,
        classes: int,
        positions: int,
        embed: int,
        heads: int,
        mlp: int,
        layers: int,
        dropout: float = 0.0,
        norm: str = "pre",
        activation: str = "gelu",
        position: str = "learned",
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.dropout = dropout
        self.norm = norm
        self.embeddings = TokenPositionEmbedding(vocab, positions, embed, dropout, position)
        self.blocks = nn.ModuleList(
            TransformerBlock(embed, heads, mlp, dropout, norm, activation, epsilon) for _ in range(layers)
        )
        if norm == "pre":
            self.final_norm = LayerNorm(embed, epsilon)
        self.head = Linear(embed, classes)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch classes"]:
        x = self.embeddings(ids, fold_in(rng, 0), within(tap, "embeddings"))
        for number, block in enumerate(self.blocks):
            scope = within(tap, f"blocks.{number}")
            x = block(x, padding_mask(mask), fold_in(rng, number + 1), scope)
        if self.norm == "pre":
            x = tap("final_norm", self.final_norm(x), "batch position embed")
        pooled = tap("pooled", masked_mean(x, mask), "batch embed")
        pooled = dropout(pooled, self.dropout, fold_in(rng, self.layers + 1))
        return tap("logits", self.head(pooled), "batch classes")
