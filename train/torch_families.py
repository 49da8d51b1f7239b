"""The mirror of `jax_families` in PyTorch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from torch_impl.classifier import TextClassifier
from torch_impl.losses import accuracy, cross_entropy
from torch_impl.random import Key

Arrays = dict[str, Any]
Metrics = dict[str, Float[Tensor, ""]]
Loss = Callable[[Any, Arrays, Key | None, float], tuple[Float[Tensor, ""], Metrics]]


@dataclass(frozen=True)
class Family:
    """A model and its loss (model, batch, rng, smoothing) -> (loss, metrics)."""

    model: type[nn.Module]
    loss: Loss


def classifier_loss(
    model: TextClassifier, batch: Arrays, rng: Key | None, smoothing: float
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the classes, mean over the batch."""
    logits = model(batch["ids"], batch["mask"], rng)
    loss = cross_entropy(logits, batch["labels"], smoothing)
    return loss, {"accuracy": accuracy(logits, batch["labels"])}


FAMILIES = {"classifier": Family(TextClassifier, classifier_loss)}
