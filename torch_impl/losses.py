"""Losses and what is counted beside them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from torch_impl.layers import add_bias, at_least_float32


def cross_entropy(
    logits: Float[Tensor, "batch classes"], labels: Int[Tensor, "batch"], smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """Mean of -log p(label) in nats.

    ``smoothing`` spreads that much of the target evenly over all classes (Szegedy et al. 2016,
    section 7).
    """
    wide = at_least_float32(logits)
    log_probabilities = wide - torch.logsumexp(wide, dim=-1, keepdim=True)
    truth = log_probabilities.gather(-1, labels[:, None])[:, 0]
    target = (1.0 - smoothing) * truth + smoothing * log_probabilities.mean(dim=-1)
    return -target.mean()


def accuracy(logits: Float[Tensor, "batch classes"], labels: Int[Tensor, "batch"]) -> Float[Tensor, ""]:
    """The share of rows whose largest logit is the label's, between 0 and 1."""
    return (logits.argmax(dim=-1) == labels).to(torch.float32).mean()


def weighted_cross_entropy(
    logits: Float[Tensor, "batch position vocab"],
    labels: Int[Tensor, "batch position"],
    weights: Float[Tensor, "batch position"],
) -> Float[Tensor, ""]:
    """Mean of -log p(label) in nats over tokens, each counted by its weight; zero if nothing counts.

    Where the weight is zero (padding), label and logits may be anything.
    """
    losses = _token_losses(logits, labels, weights)
    return losses.sum() / _count(weights).to(losses.dtype)


def chunked_cross_entropy(
    hidden: Float[Tensor, "batch position embed"],
    table: Float[Tensor, "vocab embed"],
    labels: Int[Tensor, "batch position"],
    weights: Float[Tensor, "batch position"],
    chunk: int,
    bias: Float[Tensor, "vocab"] | None = None,
) -> Float[Tensor, ""]:
    """`weighted_cross_entropy` of the logits hidden x table^T + bias, ``chunk`` tokens at a time.

    The logits of all tokens never exist together, which for a small model would be most of its memory:
    a chunk's are dropped after use and computed again for the gradients.
    """

    def add(total: Tensor, vectors: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        logits = add_bias(torch.einsum("bpe,ve->bpv", vectors, table), bias)
        return total + _token_losses(logits, labels, weights).sum()

    flat = (hidden.flatten(0, 1), labels.flatten(), weights.flatten())
    total = at_least_float32(hidden.new_zeros(()))
    for part in zip(*(array.split(chunk) for array in flat), strict=True):
        one_row = [array[None] for array in part]
        total = checkpoint(add, total, *one_row, use_reentrant=False, preserve_rng_state=False)
    return total / _count(weights).to(total.dtype)


def _token_losses(
    logits: Float[Tensor, "batch position vocab"],
    labels: Int[Tensor, "batch position"],
    weights: Float[Tensor, "batch position"],
) -> Float[Tensor, "batch position"]:
    """Weight times -log p(label) of each token; exactly zero at weight zero, and so are its gradients."""
    counts = weights != 0
    wide = at_least_float32(torch.where(counts[:, :, None], logits, 0.0))
    indices = torch.where(counts, labels, 0)[:, :, None].long()
    truth = wide.gather(-1, indices)[:, :, 0]
    losses = torch.where(counts, torch.logsumexp(wide, dim=-1) - truth, 0.0)
    return weights.to(wide.dtype) * losses


def _count(weights: Float[Tensor, "batch position"]) -> Float[Tensor, ""]:
    """The sum of all weights, or one if there are none, to divide by."""
    total = at_least_float32(weights).sum()
    return torch.where(total == 0.0, 1.0, total)
