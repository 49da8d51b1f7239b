"""Decoders in PyTorch whose causal mask lets something through; they are right in all else."""

from unittest.mock import patch

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

import torch_impl.gpt
from torch_impl.gpt import GPT
from torch_impl.masks import causal_mask
from torch_impl.random import Key
from torch_impl.taps import Tap, no_tap


class SeesNext(GPT):
    """The mask is off by one: each query sees the key after its own."""

    def seen(
        self, query: int, key: int, start: int, device: torch.device
    ) -> Bool[Tensor, "1 heads query key"]:
        return causal_mask(query, key, start + 1, device)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch position vocab"]:
        with patch.object(torch_impl.gpt, "causal_mask", self.seen):
            return super().forward(ids, mask, rng, tap)


class OneHeadSees(SeesNext):
    """One head of each block has no mask."""

    def seen(
        self, query: int, key: int, start: int, device: torch.device
    ) -> Bool[Tensor, "1 heads query key"]:
        first = torch.arange(self.config.heads, device=device)[None, :, None, None] == 0
        return causal_mask(query, key, start, device) | first


class SeesAll(SeesNext):
    """There is no mask."""

    def seen(
        self, query: int, key: int, start: int, device: torch.device
    ) -> Bool[Tensor, "1 heads query key"]:
        return torch.ones((1, 1, query, key), dtype=torch.bool, device=device)
