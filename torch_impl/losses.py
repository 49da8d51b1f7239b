"""Losses and what is counted beside them."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from torch_impl.layers import at_least_float32


def cross_entropy(
    logits: Float[Tensor, "batch classes"], labels: Int[Tensor, "batch"], smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """Mean of -log p(label) in nats.

    ``smoothing`` spreads that much of the target evenly over all classes (Szegedy et al. 2016,
    section 7).
    """
    return _negative_log_likelihood(logits, labels, smoothing).mean()


def accuracy(logits: Float[Tensor, "batch classes"], labels: Int[Tensor, "batch"]) -> Float[Tensor, ""]:
    """The share of rows whose largest logit is the label's, between 0 and 1."""
    return _right(logits, labels).to(torch.float32).mean()


def weighted_cross_entropy(
    logits: Float[Tensor, "batch position vocab"],
    labels: Int[Tensor, "batch position"],
    weights: Float[Tensor, "batch position"],
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Mean of -log p(label) in nats over tokens, each counted by its weight; zero if nothing counts.

    Where the weight is zero (padding), label and logits may be anything. ``smoothing`` is that of
    `cross_entropy` (Vaswani et al. 2017, section 5.4).
    """
    losses = _token_losses(logits, labels, weights, smoothing)
    return losses.sum() / count(weights).to(losses.dtype)


def weighted_accuracy(
    logits: Float[Tensor, "batch position vocab"],
    labels: Int[Tensor, "batch position"],
    weights: Float[Tensor, "batch position"],
) -> Float[Tensor, ""]:
    """The share of tokens, by weight, whose largest logit is the label's; zero if nothing counts."""
    return torch.where(_right(logits, labels), weights, 0.0).sum() / count(weights)


def count(weights: Float[Tensor, "batch position"]) -> Float[Tensor, ""]:
    """The sum of all weights, or one if there are none, to divide by."""
    total = at_least_float32(weights).sum()
    return torch.where(total == 0.0, 1.0, total)


def _token_losses(
    logits: Float[Tensor, "batch position vocab"],
    labels: Int[Tensor, "batch position"],
    weights: Float[Tensor, "batch position"],
    smoothing: float,
) -> Float[Tensor, "batch position"]:
    """Weight times -log p(label) of each token; exactly zero at weight zero, and so are its gradients."""
    counts = weights != 0
    seen = torch.where(counts[:, :, None], logits, 0.0)
    losses = _negative_log_likelihood(seen, torch.where(counts, labels, 0), smoothing)
    return weights.to(losses.dtype) * torch.where(counts, losses, 0.0)


def _negative_log_likelihood(
    logits: Float[Tensor, "*axes classes"], labels: Int[Tensor, "*axes"], smoothing: float
) -> Float[Tensor, "*axes"]:
    """-log p(label), the label smoothed over all classes."""
    wide = at_least_float32(logits)
    target = wide.gather(-1, labels[..., None].long())[..., 0]
    if smoothing:
        target = (1.0 - smoothing) * target + smoothing * wide.mean(dim=-1)
    return torch.logsumexp(wide, dim=-1) - target


def _right(logits: Float[Tensor, "*axes classes"], labels: Int[Tensor, "*axes"]) -> Bool[Tensor, "*axes"]:
    """Whether the largest logit is the label's."""
    return logits.argmax(dim=-1) == labels
