"""Losses and what is counted beside them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from torch_impl.layers import at_least_float32


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
