"""What each model family is trained on: the loss of a batch, and the metrics that come with it.

A batch is anything that has these fields; `data.batches` has such.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.bert import BertClassifier, BertForMaskedLM
from jax_impl.classifier import TextClassifier
from jax_impl.fused_loss import chunk_length, chunked_cross_entropy
from jax_impl.gpt import GPT, GPTClassifier
from jax_impl.losses import accuracy, cross_entropy, weighted_accuracy, weighted_cross_entropy
from jax_impl.seq2seq import EncoderDecoder

PACKED = ("position_ids", "text_ids", "lengths")  # what a model needs to know of texts that share rows

Metrics = dict[str, Float[Array, ""]]
Objective = Callable[[Any, Any, Any, Key[Array, ""] | None, float], tuple[Float[Array, ""], Metrics]]


@runtime_checkable
class TextBatch(Protocol):
    """Texts and their classes."""

    ids: Int[Array, "batch position"]
    mask: Bool[Array, "batch position"]  # True at real tokens
    labels: Int[Array, " batch"]


@runtime_checkable
class PackedBatch(TextBatch, Protocol):
    """Texts that share rows."""

    position_ids: Int[Array, "row position"]
    text_ids: Int[Array, "row position"]
    lengths: Int[Array, " batch"]


@runtime_checkable
class MaskedBatch(Protocol):
    """Full windows of tokens, some masked, and the tokens that were there."""

    ids: Int[Array, "batch position"]
    masked_positions: Int[Array, "batch masked"]
    labels: Int[Array, "batch masked"]
    weights: Float[Array, "batch masked"]


@runtime_checkable
class NextTokenBatch(Protocol):
    """Full windows of tokens, and the token after each."""

    ids: Int[Array, "batch position"]
    labels: Int[Array, "batch position"]


@runtime_checkable
class Seq2SeqBatch(Protocol):
    """Sources, what the decoder reads, and the token after each."""

    source: Int[Array, "batch key"]
    source_mask: Bool[Array, "batch key"]  # True at real tokens
    target: Int[Array, "batch position"]
    labels: Int[Array, "batch position"]
    weights: Float[Array, "batch position"]


def classifier_loss(
    model: TextClassifier | BertClassifier | GPTClassifier,
    params: Any,
    batch: TextBatch,
    rng: Key[Array, ""] | None,
    smoothing: float,
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the classes, mean over the batch."""
    packed = {name: getattr(batch, name) for name in PACKED} if isinstance(batch, PackedBatch) else {}
    logits: Any = model.apply({"params": params}, ids=batch.ids, mask=batch.mask, rng=rng, **packed)
    loss = cross_entropy(logits, batch.labels, smoothing)
    return loss, {"accuracy": accuracy(logits, batch.labels)}


def masked_lm_loss(
    model: BertForMaskedLM, params: Any, batch: MaskedBatch, rng: Key[Array, ""] | None, smoothing: float
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the masked words, mean over those that count. Windows are full: no padding."""
    everywhere = jnp.ones(batch.ids.shape, bool)
    logits: Any = model.apply({"params": params}, batch.ids, everywhere, batch.masked_positions, None, rng)
    loss = weighted_cross_entropy(logits, batch.labels, batch.weights, smoothing)
    return loss, {"accuracy": weighted_accuracy(logits, batch.labels, batch.weights)}


def next_token_loss(
    model: GPT, params: Any, batch: NextTokenBatch, rng: Key[Array, ""] | None, smoothing: float
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the next tokens, mean over all, a chunk at a time."""
    hidden: Any = model.apply({"params": params}, batch.ids, None, rng, method="hidden")
    table: Any = model.apply({"params": params}, method="table")
    weights = jnp.ones(batch.labels.shape, jnp.float32)
    return chunked_cross_entropy(hidden, table, batch.labels, weights, chunk_length(len(table))), {}


def seq2seq_loss(
    model: EncoderDecoder, params: Any, batch: Seq2SeqBatch, rng: Key[Array, ""] | None, smoothing: float
) -> tuple[Float[Array, ""], Metrics]:
    """Cross-entropy of the target's next tokens, mean over those that count."""
    logits: Any = model.apply({"params": params}, batch.source, batch.target, batch.source_mask, rng)
    loss = weighted_cross_entropy(logits, batch.labels, batch.weights, smoothing)
    return loss, {"accuracy": weighted_accuracy(logits, batch.labels, batch.weights)}


# By family. (model, params, batch, rng, smoothing) -> (loss, metrics)
OBJECTIVES: dict[str, Objective] = {
    "classifier": classifier_loss,
    "bert": masked_lm_loss,
    "gpt": next_token_loss,
    "seq2seq": seq2seq_loss,
}
