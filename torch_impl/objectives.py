"""What each model family is trained on: the loss of a batch, and the metrics that come with it.

A batch is anything that has these fields; `data.batches` has such.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from torch_impl.bert import BertClassifier, BertForMaskedLM
from torch_impl.classifier import TextClassifier
from torch_impl.fused_loss import chunk_length, chunked_cross_entropy
from torch_impl.gpt import GPT, GPTClassifier
from torch_impl.losses import accuracy, cross_entropy, weighted_accuracy, weighted_cross_entropy
from torch_impl.random import Key
from torch_impl.seq2seq import EncoderDecoder

PACKED = ("position_ids", "text_ids", "lengths")  # what a model needs to know of texts that share rows

Metrics = dict[str, Float[Tensor, ""]]
Objective = Callable[[Any, Any, Key | None, float], tuple[Float[Tensor, ""], Metrics]]


@runtime_checkable
class TextBatch(Protocol):
    """Texts and their classes."""

    ids: Int[Tensor, "batch position"]
    mask: Bool[Tensor, "batch position"]  # True at real tokens
    labels: Int[Tensor, " batch"]


@runtime_checkable
class PackedBatch(TextBatch, Protocol):
    """Texts that share rows."""

    position_ids: Int[Tensor, "row position"]
    text_ids: Int[Tensor, "row position"]
    lengths: Int[Tensor, " batch"]


@runtime_checkable
class MaskedBatch(Protocol):
    """Full windows of tokens, some masked, and the tokens that were there."""

    ids: Int[Tensor, "batch position"]
    masked_positions: Int[Tensor, "batch masked"]
    labels: Int[Tensor, "batch masked"]
    weights: Float[Tensor, "batch masked"]


@runtime_checkable
class NextTokenBatch(Protocol):
    """Full windows of tokens, and the token after each."""

    ids: Int[Tensor, "batch position"]
    labels: Int[Tensor, "batch position"]


@runtime_checkable
class Seq2SeqBatch(Protocol):
    """Sources, what the decoder reads, and the token after each."""

    source: Int[Tensor, "batch key"]
    source_mask: Bool[Tensor, "batch key"]  # True at real tokens
    target: Int[Tensor, "batch position"]
    labels: Int[Tensor, "batch position"]
    weights: Float[Tensor, "batch position"]


def classifier_loss(
    model: TextClassifier | BertClassifier | GPTClassifier,
    batch: TextBatch,
    rng: Key | None,
    smoothing: float,
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the classes, mean over the batch."""
    packed = {name: getattr(batch, name) for name in PACKED} if isinstance(batch, PackedBatch) else {}
    logits = model(ids=batch.ids, mask=batch.mask, rng=rng, **packed)
    loss = cross_entropy(logits, batch.labels, smoothing)
    return loss, {"accuracy": accuracy(logits, batch.labels)}


def masked_lm_loss(
    model: BertForMaskedLM, batch: MaskedBatch, rng: Key | None, smoothing: float
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the masked words, mean over those that count. Windows are full: no padding."""
    everywhere = torch.ones_like(batch.ids, dtype=torch.bool)
    logits = model(batch.ids, everywhere, batch.masked_positions, None, rng)
    loss = weighted_cross_entropy(logits, batch.labels, batch.weights, smoothing)
    return loss, {"accuracy": weighted_accuracy(logits, batch.labels, batch.weights)}


def next_token_loss(
    model: GPT, batch: NextTokenBatch, rng: Key | None, smoothing: float
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the next tokens, mean over all, a chunk at a time."""
    hidden = model.hidden(batch.ids, None, rng)
    table = model.table()
    weights = torch.ones_like(batch.labels, dtype=torch.float32)
    return chunked_cross_entropy(hidden, table, batch.labels, weights, chunk_length(len(table))), {}


def seq2seq_loss(
    model: EncoderDecoder, batch: Seq2SeqBatch, rng: Key | None, smoothing: float
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the target's next tokens, mean over those that count."""
    logits = model(batch.source, batch.target, batch.source_mask, rng)
    loss = weighted_cross_entropy(logits, batch.labels, batch.weights, smoothing)
    return loss, {"accuracy": weighted_accuracy(logits, batch.labels, batch.weights)}


# By family. (model, batch, rng, smoothing) -> (loss, metrics)
OBJECTIVES: dict[str, Objective] = {
    "classifier": classifier_loss,
    "bert": masked_lm_loss,
    "gpt": next_token_loss,
    "seq2seq": seq2seq_loss,
}
