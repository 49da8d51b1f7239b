"""Losses and what is counted beside them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jax_impl.layers import at_least_float32


def cross_entropy(
    logits: Float[Array, "batch classes"], labels: Int[Array, "batch"], smoothing: float = 0.0
) -> Float[Array, ""]:
    """Mean of -log p(label) in nats.

    ``smoothing`` spreads that much of the target evenly over all classes (Szegedy et al. 2016,
    section 7).
    """
    wide = at_least_float32(logits)
    log_probabilities = wide - jax.nn.logsumexp(wide, axis=-1, keepdims=True)
    truth = jnp.take_along_axis(log_probabilities, labels[:, None], axis=-1)[:, 0]
    target = (1.0 - smoothing) * truth + smoothing * log_probabilities.mean(axis=-1)
    return -target.mean()


def accuracy(logits: Float[Array, "batch classes"], labels: Int[Array, "batch"]) -> Float[Array, ""]:
    """The share of rows whose largest logit is the label's, between 0 and 1."""
    return (logits.argmax(axis=-1) == labels).astype(jnp.float32).mean()
