"""The preflight sees a mistake in whatever the run will do; each is injected into PyTorch's side alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

import data
import torch_impl.greedy
import torch_impl.optimizer
from jax_impl.config import ClassifierConfig, GPTConfig, Seq2SeqConfig
from torch_impl.classifier import TextClassifier
from torch_impl.objectives import OBJECTIVES
from train.config import Config, Optimizer, Text
from train.loops import torch_loop
from train.proof.afterwards import recheck, refuse_diverged
from train.proof.preflight import ParityError, preflight
from train.proof.remembered import batches_of
from train.runs import checkpoint
from train.tasks.classifier import longest_first
from train.tasks.task import Task, prepare

pytestmark = pytest.mark.usefixtures("no_parity_cache")

SIZES: dict[str, Any] = {"embed": 8, "heads": 2, "mlp": 8, "layers": 1, "dropout": 0.1}
OPTIMIZER = Optimizer(warmup=0.0, weight_decay=0.1)


@pytest.fixture(scope="module")
def classifier() -> Task:
    """Two widths: the second half of the positions occurs in one of them alone."""
    model = ClassifierConfig(vocab=300, max_positions=32, **SIZES)
    text = Text(batch=16, buckets=2, word_dropout=0.1)
    return prepare(Config(data="embedded", text=text, model=model, optimizer=OPTIMIZER, steps=30), None)


@pytest.fixture(scope="module")
def gpt() -> Task:
    model = GPTConfig(vocab=300, max_positions=12, **SIZES)
    optimizer = replace(OPTIMIZER, accumulate=2)
    return prepare(
        Config(data="embedded", text=Text(batch=4), model=model, optimizer=optimizer, steps=30), None
    )


@pytest.fixture(scope="module")
def seq2seq() -> Task:
    model = Seq2SeqConfig(vocab=8, max_positions=6, **SIZES)
    return prepare(
        Config(data="reversal", text=Text(batch=4), model=model, optimizer=OPTIMIZER, steps=30), None
    )


def test_every_width_of_the_run_is_compared(classifier: Task) -> None:
    training, evaluation = batches_of(classifier)
    widths = {classifier.batch(step).ids.shape[1] for step in range(30)}
    assert {batch.ids.shape[1] for batch in training} == widths and len(widths) == 2
    assert {batch.ids.shape[1] for batch in evaluation} == widths
    for batch in training + evaluation:
        lengths = batch.mask.sum(axis=1)
        assert len(batch.ids) == 4 and len(set(lengths)) > 1
    assert max(batch.mask.sum(axis=1).max() for batch in training) == max(widths)  # a row without padding


@pytest.mark.parametrize("family", ["classifier", "gpt", "seq2seq"])
def test_healthy_twins_pass(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    task, seen = request.getfixturevalue(family), []
    assert preflight(task, tmp_path / "parity.json", seen.append).startswith("Parity holds: ")
    assert len(dict.fromkeys(seen)) == {"classifier": 5, "gpt": 4, "seq2seq": 4}[family]


def loss_scaled(before: Callable[..., Any]) -> Callable[..., Any]:
    """The loss in training alone, as if the loop had done it."""

    def changed(model, batch, rng, smoothing):
        loss, metrics = before(model, batch, rng, smoothing)
        return (loss * 1.1 if rng is not None else loss), metrics

    return changed


def accuracy_counted_wrongly(before: Callable[..., Any]) -> Callable[..., Any]:
    def changed(*arguments):
        loss, metrics = before(*arguments)
        return loss, metrics | {"accuracy": metrics["accuracy"] + 0.25}

    return changed


def mask_dropped(before: Callable[..., Any]) -> Callable[..., Any]:
    def changed(model, batch, rng, smoothing):
        return before(model, batch._replace(mask=torch.ones_like(batch.mask)), rng, smoothing)

    return changed


def late_positions(before: Callable[..., Any]) -> Callable[..., Any]:
    """Wrong from position 24 on, which narrow batches do not have."""

    def changed(self, ids, *rest, **named):
        ids = ids.clone()
        ids[:, 24:] = ids[:, 24:].roll(1, dims=1)
        return before(self, ids, *rest, **named)

    return changed


def rate_doubled(before: Callable[..., Any]) -> Callable[..., Any]:
    def changed(params, state, whole, rates, config):
        return before(params, state, whole, rates._replace(learning_rate=rates.learning_rate * 2), config)

    return changed


def no_decay(before: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: before(*arguments[:-1], replace(arguments[-1], weight_decay=0.0))


def summed(before: Callable[..., Any]) -> Callable[..., Any]:
    """Accumulated batches summed, where their mean belongs."""
    return lambda *arguments: before(*arguments[:-1], replace(arguments[-1], accumulate=1))


def other_key(before: Callable[..., Any]) -> Callable[..., Any]:
    """Dropout of another batch."""

    def changed(model, batch, rng, *rest):
        return before(model, batch, torch_impl.random.fold_in(rng, 7), *rest)

    return changed


def last_logit(before: Callable[..., Any]) -> Callable[..., Any]:
    """Evaluation alone: what `outputs` gives, not what the objective sees."""

    def changed(*arguments):
        outputs = before(*arguments)
        return lambda *inputs: outputs(*inputs)[..., ::-1].copy()

    return changed


def one_late(before: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: np.roll(before(*arguments), 1, axis=1)


MISTAKES: dict[str, tuple[str, Any, str, Callable[..., Any], str]] = {
    "the training loss times 1.1": (
        "classifier",
        OBJECTIVES,
        "classifier",
        loss_scaled,
        "metric loss",
    ),
    "a metric": (
        "classifier",
        OBJECTIVES,
        "classifier",
        accuracy_counted_wrongly,
        "metric accuracy",
    ),
    "the mask dropped": (
        "classifier",
        OBJECTIVES,
        "classifier",
        mask_dropped,
        "metric (loss|accuracy)",
    ),
    "positions from 24 on": (
        "classifier",
        TextClassifier,
        "forward",
        late_positions,
        "tap embeddings/tokens",
    ),
    "the learning rate": ("classifier", torch_impl.optimizer, "update", rate_doubled, "after an update"),
    "no weight decay": ("classifier", torch_impl.optimizer, "update", no_decay, "after an update"),
    "dropout of another batch": ("classifier", torch_loop, "gradient", other_key, "metric loss"),
    "accumulated batches summed": ("gpt", torch_loop, "gradient", summed, "metric loss"),
    "what is written": ("gpt", torch_loop, "outputs", last_logit, "evaluation predictions"),
    "evaluation's logits": ("classifier", torch_loop, "outputs", last_logit, "evaluation logits"),
    "greedy decoding": ("seq2seq", torch_loop, "greedy", one_late, "evaluation decoded"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_what_the_run_does_is_found(
    mistake: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    family, owner, name, change, found = MISTAKES[mistake]
    task: Task = request.getfixturevalue(family)
    if isinstance(owner, dict):
        patch: Any = mock.patch.dict(owner, {name: change(owner[name])})
    else:
        patch = mock.patch.object(owner, name, change(getattr(owner, name)))
    with patch, pytest.raises(ParityError, match=f"diverge at {found}"):
        preflight(task, tmp_path / "parity.json")


def test_the_rows_that_are_compared_differ_in_length() -> None:
    lengths = np.array([3, 9, 1, 7, 5])
    mask = np.arange(9) < lengths[:, None]
    zeros = np.zeros(5, np.int32)
    batch = data.TextBatch(mask.astype(np.int32), mask, zeros, zeros)
    assert longest_first(batch).mask.sum(axis=1).tolist() == [9, 1, 7, 3, 5]


def test_trained_weights_are_compared_again(gpt: Task, tmp_path: Path) -> None:
    """On the last batch, as they lie on the disk; a framework that computes otherwise by then is noticed."""
    params = gpt.initial_params(torch_loop)
    (tmp_path / "torch").mkdir()
    checkpoint.save(tmp_path / "torch", {"params": params}, {"files": {}})
    found = recheck(gpt, tmp_path, "torch")
    # One loss in float64 may be the same to the bit; the planted one below is not.
    assert found["passed"] and 0 <= found["largest_error"] < found["bound"] == 1e-11 and found["checks"] > 1
    refuse_diverged({"torch": found})
    with mock.patch.object(torch_loop, "evaluate", lambda *rest: [{"loss": 1.0, "accuracy": 0.5}]):
        found = recheck(gpt, tmp_path, "torch")
    with pytest.raises(ParityError, match="the weights that torch trained no longer compute the same"):
        refuse_diverged({"torch": found})
