"""What each model family is trained on, in JAX."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jax_impl.bert import BertClassifier, BertForMaskedLM
from jax_impl.classifier import TextClassifier
from jax_impl.gpt import GPT, GPTClassifier
from jax_impl.losses import (
    accuracy,
    chunked_cross_entropy,
    cross_entropy,
    weighted_accuracy,
    weighted_cross_entropy,
)
from jax_impl.seq2seq import EncoderDecoder

CHUNK = 1024  # tokens whose logits exist at a time
FEW = 2**23  # logits that may exist together, which spares computing them again in the backward pass

Arrays = dict[str, Any]
Metrics = dict[str, Float[Array, ""]]
Loss = Callable[[Any, Any, Arrays, Key[Array, ""] | None, float], tuple[Float[Array, ""], Metrics]]


def classifier_loss(
    model: TextClassifier | BertClassifier | GPTClassifier,
    params: Any,
    batch: Arrays,
    rng: Key[Array, ""] | None,
    smoothing: float,
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the classes, mean over the batch."""
    logits: Any = model.apply({"params": params}, ids=batch["ids"], mask=batch["mask"], rng=rng)
    loss = cross_entropy(logits, batch["labels"], smoothing)
    return loss, {"accuracy": accuracy(logits, batch["labels"])}


def bert_loss(
    model: BertForMaskedLM, params: Any, batch: Arrays, rng: Key[Array, ""] | None, smoothing: float
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the masked words, mean over those that count. Windows are full: no padding."""
    everywhere = jnp.ones(batch["ids"].shape, bool)
    logits: Any = model.apply(
        {"params": params}, batch["ids"], everywhere, batch["masked_positions"], None, rng
    )
    labels, weights = batch["labels"], batch["weights"]
    loss = weighted_cross_entropy(logits, labels, weights)
    return loss, {"accuracy": weighted_accuracy(logits, labels, weights)}


def gpt_loss(
    model: GPT, params: Any, batch: Arrays, rng: Key[Array, ""] | None, smoothing: float
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the next tokens, mean over all: `CHUNK` at a time unless their logits are `FEW`."""
    hidden: Any = model.apply({"params": params}, batch["ids"], None, rng, method="hidden")
    table: Any = model.apply({"params": params}, method="table")
    labels, weights = batch["labels"], jnp.ones(batch["labels"].shape, jnp.float32)
    if labels.size * table.shape[0] <= FEW:
        logits: Any = model.apply({"params": params}, hidden, method="logits")
        return weighted_cross_entropy(logits, labels, weights), {}
    return chunked_cross_entropy(hidden, table, labels, weights, CHUNK), {}


def seq2seq_loss(
    model: EncoderDecoder, params: Any, batch: Arrays, rng: Key[Array, ""] | None, smoothing: float
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the target's next tokens, mean over those that count."""
    inputs = (batch["source"], batch["target"], batch["source_mask"])
    logits: Any = model.apply({"params": params}, *inputs, rng)
    labels, weights = batch["labels"], batch["weights"]
    loss = weighted_cross_entropy(logits, labels, weights, smoothing)
    return loss, {"accuracy": weighted_accuracy(logits, labels, weights)}


# (model, params, batch, rng, smoothing) -> (loss, metrics)
LOSSES: dict[str, Loss] = {
    "classifier": classifier_loss,
    "bert": bert_loss,
    "gpt": gpt_loss,
    "seq2seq": seq2seq_loss,
}
