"""The mirror of `jax_families` in PyTorch."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from torch_impl.bert import BertClassifier, BertForMaskedLM
from torch_impl.classifier import TextClassifier
from torch_impl.gpt import GPT, GPTClassifier
from torch_impl.losses import (
    accuracy,
    chunked_cross_entropy,
    cross_entropy,
    weighted_accuracy,
    weighted_cross_entropy,
)
from torch_impl.random import Key
from torch_impl.seq2seq import EncoderDecoder

CHUNK = 1024  # tokens whose logits exist at a time
FEW = 2**23  # logits that may exist together, which spares computing them again in the backward pass

Arrays = dict[str, Any]
Metrics = dict[str, Float[Tensor, ""]]
Loss = Callable[[Any, Arrays, Key | None, float], tuple[Float[Tensor, ""], Metrics]]


def classifier_loss(
    model: TextClassifier | BertClassifier | GPTClassifier,
    batch: Arrays,
    rng: Key | None,
    smoothing: float,
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the classes, mean over the batch."""
    logits = model(ids=batch["ids"], mask=batch["mask"], rng=rng)
    loss = cross_entropy(logits, batch["labels"], smoothing)
    return loss, {"accuracy": accuracy(logits, batch["labels"])}


def bert_loss(
    model: BertForMaskedLM, batch: Arrays, rng: Key | None, smoothing: float
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the masked words, mean over those that count. Windows are full: no padding."""
    everywhere = torch.ones_like(batch["ids"], dtype=torch.bool)
    logits = model(batch["ids"], everywhere, batch["masked_positions"], None, rng)
    labels, weights = batch["labels"], batch["weights"]
    loss = weighted_cross_entropy(logits, labels, weights)
    return loss, {"accuracy": weighted_accuracy(logits, labels, weights)}


def gpt_loss(
    model: GPT, batch: Arrays, rng: Key | None, smoothing: float
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the next tokens, mean over all: `CHUNK` at a time unless their logits are `FEW`."""
    hidden = model.hidden(batch["ids"], None, rng)
    table = model.table()
    labels, weights = batch["labels"], torch.ones_like(batch["labels"], dtype=torch.float32)
    if labels.numel() * table.shape[0] <= FEW:
        return weighted_cross_entropy(model.logits(hidden), labels, weights), {}
    return chunked_cross_entropy(hidden, table, labels, weights, CHUNK), {}


def seq2seq_loss(
    model: EncoderDecoder, batch: Arrays, rng: Key | None, smoothing: float
) -> tuple[Float[Tensor, ""], Metrics]:
    """Cross-entropy of the target's next tokens, mean over those that count."""
    logits = model(batch["source"], batch["target"], batch["source_mask"], rng)
    labels, weights = batch["labels"], batch["weights"]
    loss = weighted_cross_entropy(logits, labels, weights, smoothing)
    return loss, {"accuracy": weighted_accuracy(logits, labels, weights)}


# (model, batch, rng, smoothing) -> (loss, metrics)
LOSSES: dict[str, Loss] = {
    "classifier": classifier_loss,
    "bert": bert_loss,
    "gpt": gpt_loss,
    "seq2seq": seq2seq_loss,
}
