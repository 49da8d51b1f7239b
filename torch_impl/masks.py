"""Attention masks: True where a query may look at a key. They combine with ``&``."""

import torch
from jaxtyping import Bool
from torch import Tensor


def causal_mask(query: int, key: int) -> Bool[Tensor, "1 1 query key"]:
    """Query i sees keys 0..i (Vaswani et al. 2017, section 3.2.3); the last query sees all keys."""
    last_visible = torch.arange(query)[:, None] + (key - query)
    return (torch.arange(key)[None, :] <= last_visible)[None, None]


def padding_mask(mask: Bool[Tensor, "batch key"]) -> Bool[Tensor, "batch 1 1 key"]:
    """Every query sees the real tokens and no padding."""
    return mask[:, None, None, :]
