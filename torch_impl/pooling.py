"""One vector of the many of a text."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def masked_mean(
    x: Float[Tensor, "batch position embed"], mask: Bool[Tensor, "batch position"]
) -> Float[Tensor, "batch embed"]:
    """Mean over the positions where the mask is True; zeros for a row that has none."""
    total = torch.where(mask[:, :, None], x, 0.0).sum(dim=1)
    count = mask.sum(dim=1).clamp(min=1)
    return total / count[:, None].to(x.dtype)


def packed_sum(
    x: Float[Tensor, "row position embed"], text_ids: Int[Tensor, "row position"], texts: int
) -> Float[Tensor, "batch embed"]:
    """The sum of each text's vectors, where ``texts`` of them share rows: a matmul with ones and zeros."""
    flat, text_ids = x.flatten(0, 1), text_ids.flatten()
    numbers = torch.arange(texts, dtype=text_ids.dtype, device=x.device)
    return (numbers[:, None] == text_ids[None, :]).to(x.dtype) @ flat


def packed_mean(
    x: Float[Tensor, "row position embed"],
    text_ids: Int[Tensor, "row position"],
    lengths: Int[Tensor, "batch"],
) -> Float[Tensor, "batch embed"]:
    """`masked_mean` of each text, where texts share rows."""
    total = packed_sum(x, text_ids, lengths.shape[0])
    return total / lengths.clamp(min=1)[:, None].to(x.dtype)
