"""The model families in JAX: which model, and what it is trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from jax_impl.classifier import TextClassifier
from jax_impl.losses import accuracy, cross_entropy

Arrays = dict[str, Any]
Metrics = dict[str, Float[Array, ""]]
Loss = Callable[[Any, Any, Arrays, Key[Array, ""] | None, float], tuple[Float[Array, ""], Metrics]]


@dataclass(frozen=True)
class Family:
    """A model, its loss (model, params, batch, rng, smoothing) -> (loss, metrics), and inputs to init it."""

    model: type[nn.Module]
    loss: Loss
    inputs: Callable[[], tuple[Array, ...]]


def classifier_loss(
    model: TextClassifier, params: Any, batch: Arrays, rng: Key[Array, ""] | None, smoothing: float
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the classes, mean over the batch."""
    logits: Any = model.apply({"params": params}, batch["ids"], batch["mask"], rng)
    loss = cross_entropy(logits, batch["labels"], smoothing)
    return loss, {"accuracy": accuracy(logits, batch["labels"])}


def _ids() -> Array:
    return jnp.zeros((1, 1), jnp.int32)


FAMILIES = {"classifier": Family(TextClassifier, classifier_loss, lambda: (_ids(), _ids() == 0))}
