"""Tasks of all families prepared from marked texts, and what is written in their batches."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
from tokenizers import Tokenizer

from data import MaskedBatch, TextBatch
from data.sets.datasets import CORPORA, DATASETS
from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig
from parity_tests.tests.train.marked import corpus, labelled, reader
from train.config import Config, Text
from train.recipes import recipe_of
from train.tasks.task import prepare

BATCH = 8
SIZES: dict[str, Any] = {"max_positions": 24, "embed": 8, "heads": 2, "mlp": 8, "layers": 1}
MODELS: dict[str, Any] = {
    "classifier": ClassifierConfig(**SIZES, vocab=400),
    "bert": BertConfig(**SIZES, vocab=400),
    "gpt": GPTConfig(**SIZES, vocab=400),
}
LANGUAGE = ("bert", "gpt")
HELD_OUT = ("validation", "test")


def config(family: str, **changes: Any) -> Config:
    if family == "seq2seq":  # whose sequences are marked by themselves
        return replace(recipe_of("seq2seq").config, **changes)
    text = Text(batch=BATCH, buckets=2)
    return replace(Config(data="embedded", text=text, model=MODELS[family]), **changes)


@contextmanager
def marked_data() -> Iterator[None]:
    """Meanwhile the marked texts are what is read."""
    with mock.patch.dict(DATASETS, embedded=labelled), mock.patch.dict(CORPORA, embedded=corpus):
        yield


def task_of(family: str, tokenizer: Tokenizer | None = None, **changes: Any) -> Any:
    """A task as a run prepares it."""
    with marked_data():
        return prepare(config(family, **changes), None, tokenizer)


shared = cache(task_of)


def unmasked(batch: Any) -> np.ndarray:
    """A batch's tokens as they were."""
    ids = batch.ids.copy()
    if isinstance(batch, MaskedBatch):
        np.put_along_axis(ids, batch.masked_positions, batch.labels, axis=1)
    return ids


def written(task: Any, batches: Sequence[Any]) -> str:
    """What is written in batches, row after row."""
    return reader(task.tokenizer)(np.concatenate([unmasked(batch).ravel() for batch in batches]))


def rows_in(task: Any, batch: TextBatch) -> list[str]:
    """The texts of a batch of the classifier, without filler rows."""
    read, real = reader(task.tokenizer), batch.rows >= 0
    return [read(ids[mask]) for ids, mask in zip(batch.ids[real], batch.mask[real], strict=True)]


def plain_ids(task: Any, text: str) -> np.ndarray:
    """The tokens of a text, without marks of the tokenizer's own."""
    return np.array(task.tokenizer.encode(text, add_special_tokens=False).ids)
