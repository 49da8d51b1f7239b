"""Losses and what is counted beside them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jax_impl.layers import add_bias, at_least_float32


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
    return losses.sum() / _count(weights).astype(losses.dtype)


def weighted_accuracy(
    logits: Float[Array, "batch position vocab"],
    labels: Int[Array, "batch position"],
    weights: Float[Array, "batch position"],
) -> Float[Array, ""]:
    """The share of tokens, by weight, whose largest logit is the label's; zero if nothing counts."""
    return jnp.where(_right(logits, labels), weights, 0.0).sum() / _count(weights)


def chunked_cross_entropy(
    hidden: Float[Array, "batch position embed"],
    table: Float[Array, "vocab embed"],
    labels: Int[Array, "batch position"],
    weights: Float[Array, "batch position"],
    chunk: int,
    bias: Float[Array, "vocab"] | None = None,
) -> Float[Array, ""]:
    """`weighted_cross_entropy` of the logits hidden x table^T + bias, ``chunk`` tokens at a time.

    The logits of all tokens never exist together, which for a small model would be most of its memory:
    a chunk's are dropped after use and computed again for the gradients.
    """
    tokens = labels.size
    chunk = min(chunk, tokens)
    padding = -tokens % chunk

    def chunks(array: Array) -> Array:
        flat = array.reshape(tokens, *array.shape[2:])
        flat = jnp.pad(flat, [(0, padding)] + [(0, 0)] * (flat.ndim - 1))
        return flat.reshape(-1, 1, chunk, *flat.shape[1:])

    def add(total: Array, part: tuple[Array, Array, Array]) -> tuple[Array, None]:
        vectors, its_labels, its_weights = part
        logits = add_bias(jnp.einsum("bpe,ve->bpv", vectors, table), bias)
        return total + _token_losses(logits, its_labels, its_weights, 0.0).sum(), None

    nothing = jnp.zeros((), at_least_float32(hidden).dtype)
    parts = (chunks(hidden), chunks(labels), chunks(weights))
    total, _ = jax.lax.scan(jax.checkpoint(add, prevent_cse=False), nothing, parts)
    return total / _count(weights).astype(total.dtype)


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


def _count(weights: Float[Array, "batch position"]) -> Float[Array, ""]:
    """The sum of all weights, or one if there are none, to divide by."""
    total = at_least_float32(weights).sum()
    return jnp.where(total == 0.0, 1.0, total)
