"""Batches keep their class and axes; and a run of an older version has the fingerprint that it had."""

import hashlib
import json
from typing import get_type_hints

import numpy as np
import pytest

from parity_tests.tests.annotations import jaxtyped
from train.config import FAMILIES, Config
from train.loops.fit import fingerprint
from train.recipes import recipe_of
from train.tasks.task import Task, prepare

NAMES = {"classifier": "TextBatch", "bert": "MaskedBatch", "gpt": "NextTokenBatch", "seq2seq": "Seq2SeqBatch"}


def task_of(family: str) -> Task:
    config: Config = recipe_of(family, None if family == "seq2seq" else "embedded").config
    return prepare(config, None)


@pytest.fixture(scope="module", params=FAMILIES)
def task(request: pytest.FixtureRequest) -> Task:
    return task_of(request.param)


def test_the_axes_of_a_batch_are_true(task: Task) -> None:
    batch = task.batch(3)
    assert type(batch).__name__ == NAMES[task.config.family]
    with jaxtyped("context"):
        for name, kind in get_type_hints(type(batch)).items():
            assert isinstance(getattr(batch, name), kind), name


def test_a_batch_of_other_axes_is_noticed(task: Task) -> None:
    batch = task.batch(3)
    labels = batch._replace(labels=np.concatenate([batch.labels, batch.labels]))
    with jaxtyped("context"):
        assert not all(isinstance(getattr(labels, n), k) for n, k in get_type_hints(type(batch)).items())


def test_the_fingerprint_is_that_of_the_first_version(task: Task) -> None:
    """There a batch was a dictionary, without the examples' numbers, and with BERT's "positions"."""
    written, step = {"as": "it was written"}, 5
    batch = task.batch(step)._asdict()
    batch.pop("rows", None)
    if "masked_positions" in batch:
        batch["positions"] = batch.pop("masked_positions")
    digest = hashlib.sha256(json.dumps(written).encode() + task.tokenizer.to_str().encode())
    for name in sorted(batch):
        digest.update(name.encode() + batch[name].tobytes())
    assert fingerprint(task, step, written) == digest.hexdigest()
