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


def packed_mean(
    x: Float[Tensor, "row position embed"],
    text_ids: Int[Tensor, "row position"],
    lengths: Int[Tensor, "batch"],
) -> Float[Tensor, "batch embed"]:
    """`masked_mean` of each text, where texts share rows: a matmul with ones where a token is the text's."""
    flat, text_ids = x.flatten(0, 1), text_ids.flatten()
    texts = torch.arange(lengths.shape[0], dtype=text_ids.dtype, device=x.device)
    mine = (texts[:, None] == text_ids[None, :]).to(x.dtype)
    return mine @ flat / lengths.clamp(min=1)[:, None].to(x.dtype)
