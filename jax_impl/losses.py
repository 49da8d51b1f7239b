"""Losses and what is counted beside them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jax_impl.layers import at_least_float32


def cross_entropy(
    logits: Float[Array, "batch classes"], labels: Int[Array, "batch"], smoothing: float = 0.0
) -> Float[Array, ""]:
    """Mean of -log p(label) in nats.

    ``smoothing`` spreads that much of the target evenly over all classes (Szegedy et al. 2016,
    section 7).
    """
    return _negative_log_likelihood(logits, labels, smoothing).mean()


def accuracy(logits: Float[Array, "batch classes"], labels: Int[Array, "batch"]) -> Float[Array, ""]:
    """The share of rows whose largest logit is the label's, between 0 and 1."""
    return _right(logits, labels).astype(jnp.float32).mean()


def weighted_cross_entropy(
    logits: Float[Array, "batch position vocab"],
    labels: Int[Array, "batch position"],
    weights: Float[Array, "batch position"],
    smoothing: float = 0.0,
) -> Float[Array, ""]:
    """Mean of -log p(label) in nats over tokens, each counted by its weight; zero if nothing counts.

    Where the weight is zero (padding), label and logits may be anything. ``smoothing`` is that of
    `cross_entropy` (Vaswani et al. 2017, section 5.4).
    """
    losses = _token_losses(logits, labels, weights, smoothing)
    return losses.sum() / count(weights).astype(losses.dtype)


def weighted_accuracy(
    logits: Float[Array, "batch position vocab"],
    labels: Int[Array, "batch position"],
    weights: Float[Array, "batch position"],
) -> Float[Array, ""]:
    """The share of tokens, by weight, whose largest logit is the label's; zero if nothing counts."""
    return jnp.where(_right(logits, labels), weights, 0.0).sum() / count(weights)


def count(weights: Float[Array, "batch position"]) -> Float[Array, ""]:
    """The sum of all weights, or one if there are none, to divide by."""
    total = at_least_float32(weights).sum()
    return jnp.where(total == 0.0, 1.0, total)


def _token_losses(
    logits: Float[Array, "batch position vocab"],
    labels: Int[Array, "batch position"],
    weights: Float[Array, "batch position"],
    smoothing: float,
) -> Float[Array, "batch position"]:
    """Weight times -log p(label) of each token; exactly zero at weight zero, and so are its gradients."""
    counts = weights != 0
    seen = jnp.where(counts[:, :, None], logits, 0.0)
    losses = _negative_log_likelihood(seen, jnp.where(counts, labels, 0), smoothing)
    return weights.astype(losses.dtype) * jnp.where(counts, losses, 0.0)


def _negative_log_likelihood(
    logits: Float[Array, "*axes classes"], labels: Int[Array, "*axes"], smoothing: float
) -> Float[Array, "*axes"]:
    """-log p(label), the label smoothed over all classes."""
    wide = at_least_float32(logits)
    target = jnp.take_along_axis(wide, labels[..., None], axis=-1)[..., 0]
    if smoothing:
        target = (1.0 - smoothing) * target + smoothing * wide.mean(axis=-1)
    return jax.nn.logsumexp(wide, axis=-1) - target


def _right(logits: Float[Array, "*axes classes"], labels: Int[Array, "*axes"]) -> Bool[Array, "*axes"]:
    """Whether the largest logit is the label's."""
    return logits.argmax(axis=-1).astype(labels.dtype) == labels  # in 64-bit runs an argmax is int64
