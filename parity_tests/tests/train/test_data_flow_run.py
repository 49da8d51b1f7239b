"""A whole run, by a backend that writes down what it is given: what is trained and scored, and when."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from rich.console import Console

from parity_tests.tests.annotations import annotations_unchecked
from parity_tests.tests.train.marked import reader, splits_in
from parity_tests.tests.train.marked_tasks import MODELS, config, marked_data, task_of, written
from parity_tests.tests.train.recording_loop import RecordingLoop
from train.config import Optimizer, Text
from train.start import train

EPOCHS, ACCUMULATE, PEAK = 3, 5, 0.5
SETTINGS: dict[str, Any] = {
    "epochs": EPOCHS,
    "seed": 5,
    "text": Text(batch=3),
    "optimizer": Optimizer(accumulate=ACCUMULATE, learning_rate=PEAK, warmup=0.3),
}


@pytest.fixture(scope="module", autouse=True)
def unchecked() -> Iterator[None]:
    """The recording loop is no backend."""
    with annotations_unchecked():
        yield


@pytest.fixture(scope="module", params=MODELS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Three epochs, each of as many updates as hold its batches."""
    family, loop, out = request.param, RecordingLoop(), tmp_path_factory.mktemp("run") / "out"
    with marked_data(), mock.patch("train.loops.fit.backend", lambda name: loop):
        report = train(config(family, **SETTINGS), ["torch"], out, None, True, Console(quiet=True))
    log = (out / "torch" / "metrics.jsonl").read_text().splitlines()
    task, rows = task_of(family, **SETTINGS), [json.loads(line) for line in log]
    return SimpleNamespace(task=task, loop=loop, report=report["torch"], rows=rows)


def test_an_epoch_is_as_many_updates_as_hold_its_batches(run: SimpleNamespace) -> None:
    updates = -(-run.task.steps_per_epoch // ACCUMULATE)
    assert run.task.steps_per_epoch % ACCUMULATE and updates > 1
    assert [row["step"] for row in run.rows if "loss" in row] == list(range(EPOCHS * updates))
    assert run.report["steps"] == EPOCHS * updates
    validated = [row["step"] for row in run.rows if "validation_loss" in row]
    assert validated == [updates * epoch - 1 for epoch in range(1, EPOCHS + 1)]


def test_the_trainer_has_the_run_s_settings(run: SimpleNamespace) -> None:
    task, given = run.task, run.task.config
    assert run.loop.trainers == [
        (given.family, task.architecture, SETTINGS["optimizer"], run.report["steps"], SETTINGS["seed"])
    ]
    assert run.loop.drawn == [(task.architecture, SETTINGS["seed"])]


def test_an_update_takes_the_next_batches_none_twice(run: SimpleNamespace) -> None:
    expected = [run.task.batch(number) for number in range(run.report["steps"] * ACCUMULATE)]
    for batch, ours in zip(run.loop.trained_on, expected, strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(batch, ours, strict=True))


def test_a_run_trains_validates_and_reports_on_the_splits_of_those_names(run: SimpleNamespace) -> None:
    """Validation after each epoch, with the weights of then; test at the end, with those before and after."""
    task, steps = run.task, run.report["steps"]
    assert splits_in(written(task, run.loop.trained_on)) == {"train"}
    if task.config.family == "classifier":
        read = reader(task.tokenizer)
        scored = [(weight, *splits_in(read(ids))) for weight, (ids, _) in run.loop.read]
    else:
        scored = [(weight, *splits_in(written(task, batches))) for weight, batches in run.loop.evaluated]
    validated = [(steps / EPOCHS * epoch, "validation") for epoch in range(1, EPOCHS + 1)]
    assert list(dict.fromkeys(scored)) == [*validated, (0.0, "test"), (steps, "test")]


def test_the_log_and_the_report_have_the_last_validation(run: SimpleNamespace) -> None:
    last = {"weight": np.float32([run.report["steps"]])}
    expected = run.task.scores(RecordingLoop(), last, "validation")
    assert run.report["validation"] == pytest.approx(expected)
    logged = [row for row in run.rows if "validation_loss" in row][-1]
    assert {name: logged[f"validation_{name}"] for name in expected} == pytest.approx(expected)


def test_the_log_has_each_update_s_rate(run: SimpleNamespace) -> None:
    """Up in a part of the updates, then down in a line: by hand."""
    steps = run.report["steps"]
    rise = round(0.3 * steps)
    assert rise > 1
    by_hand = [(n + 1) / rise if n < rise else (steps - n) / (steps - rise) for n in range(steps)]
    rates = [row["learning_rate"] for row in run.rows if "learning_rate" in row]
    assert rates == pytest.approx([PEAK * share for share in by_hand])
