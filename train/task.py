"""What both frameworks train on: texts, tokenizer, batches and the sizes of the model."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from tokenizers import Tokenizer

import data
from data import Batch, Examples, LabelledText
from train.config import Config

EVALUATION_BATCH = 128


@dataclass(frozen=True, eq=False)
class Task:
    """A data set made ready for one configuration. No framework in it."""

    config: Config
    texts: LabelledText
    tokenizer: Tokenizer
    examples: dict[str, Examples]
    """Token ids of the splits "train", "validation" and "test"."""
    truncated: int
    """Texts that were cut to the model's positions."""
    buckets: tuple[int, ...]

    @property
    def model_arguments(self) -> dict[str, Any]:
        """The arguments of TextClassifier, in either framework."""
        return model_arguments(self.config, self.tokenizer, len(self.texts.classes))

    def stream(self) -> data.TrainBatches:
        """The training batches."""
        text = self.config.text
        labels = self.texts.train.labels
        return data.TrainBatches(
            self.examples["train"], labels, text.batch, self.config.seed, self.buckets, text.word_dropout
        )

    def batches(self, split: str) -> list[Batch]:
        """All examples of a split, for evaluation."""
        labels = getattr(self.texts, split).labels
        return data.evaluation_batches(self.examples[split], labels, EVALUATION_BATCH, self.buckets)

    def sample(self, count: int) -> list[int]:
        """The first test batch: ``count`` rows, evenly spaced since the split may be sorted by class."""
        size = len(self.texts.test)
        return [int(row) for row in np.linspace(0, size - 1, min(count, size))]


def prepare(config: Config, data_dir: Path | None, tokenizer: Tokenizer | None = None) -> Task:
    """Read the data set, train the tokenizer on its training split (or take a trained one), and encode.

    Raises `data.DataError` on texts that cannot be used, and `ConfigError` on a bad configuration.
    """
    config.check()
    texts = data.load(config.data, data_dir)
    if tokenizer is None:
        tokenizer = data.train_tokenizer(texts.train.texts, config.text.vocab)
    examples: dict[str, Examples] = {}
    truncated = 0
    for split in ("train", "validation", "test"):
        encoded = data.encode(tokenizer, getattr(texts, split).texts, config.text.positions)
        data.check_ids(encoded.examples, tokenizer.get_vocab_size())
        examples[split] = encoded.examples
        truncated += encoded.truncated
    lengths = [len(example) for split in examples.values() for example in split]
    buckets = data.choose_buckets(lengths, config.text.buckets, config.text.positions)
    return Task(config, texts, tokenizer, examples, truncated, buckets)


def model_arguments(config: Config, tokenizer: Tokenizer, classes: int) -> dict[str, Any]:
    """The arguments of TextClassifier that follow from a configuration."""
    sizes = {
        "vocab": tokenizer.get_vocab_size(),
        "classes": classes,
        "positions": config.text.positions,
    }
    return sizes | asdict(config.model)


def in_order(batches: list[Batch], logits: list[np.ndarray]) -> Float[np.ndarray, "example classes"]:
    """Logits by example: batches hold the examples sorted by length, and filler rows."""
    rows = np.concatenate([batch.rows for batch in batches])
    stacked = np.concatenate(logits)
    ordered = np.empty((rows.max() + 1, stacked.shape[1]), stacked.dtype)
    ordered[rows[rows >= 0]] = stacked[rows >= 0]
    return ordered
