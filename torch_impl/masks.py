"""Attention masks: True where a query may look at a key. They combine with ``&``."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def causal_mask(
    query: int, key: int, start: int | Int[Tensor, ""] | None = None, device: torch.device | None = None
) -> Bool[Tensor, "1 1 query key"]:
    """Query i sees keys 0..start + i (Vaswani et al. 2017, section 3.2.3).

    ``start`` is the position of the first query; None: the last query sees all keys.
    """
    return (_ahead(query, key, start, device) <= 0)[None, None]


def banded_mask(
    query: int,
    key: int,
    window: int,
    start: int | Int[Tensor, ""] | None = None,
    device: torch.device | None = None,
) -> Bool[Tensor, "1 1 query key"]:
    """`causal_mask`, and no key further back than the last ``window``, itself included.

    The local layers of Child et al. 2019, section 4.2, as GPT-3 has them (Brown et al. 2020, section 2.1).
    """
    ahead = _ahead(query, key, start, device)
    return ((ahead <= 0) & (ahead > -window))[None, None]


def padding_mask(mask: Bool[Tensor, "batch key"]) -> Bool[Tensor, "batch 1 1 key"]:
    """Every query sees the real tokens and no padding."""
    return mask[:, None, None, :]


def same_text_mask(text_ids: Int[Tensor, "row position"]) -> Bool[Tensor, "row 1 position position"]:
    """A query sees the tokens of its own text, where texts share rows."""
    return (text_ids[:, :, None] == text_ids[:, None, :])[:, None]


def _ahead(
    query: int, key: int, start: int | Int[Tensor, ""] | None, device: torch.device | None
) -> Int[Tensor, "query key"]:
    """How many positions each key lies ahead of each query."""
    numbers = torch.arange(query, device=device) + (key - query if start is None else start)
    return torch.arange(key, device=device)[None, :] - numbers[:, None]
