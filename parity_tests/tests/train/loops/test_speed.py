"""What a run says of its speed: how much of it waits for input, and what was compiled."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from rich.console import Console

from data import DataError
from jax_impl.config import ClassifierConfig
from parity_tests.tests.annotations import annotations_unchecked
from parity_tests.tests.train.marked_tasks import task_of
from parity_tests.tests.train.recording_loop import RecordingLoop, RecordingTrainer
from train.config import Config, Optimizer, Text
from train.loops.fit import fit, progress_bar
from train.loops.speed import Spent, describe, in_short
from train.runs.checkpoint import State, read_about
from train.tasks.task import prepare

STEPS, SLOW = 50, 0.01
ACCUMULATE = 2


@pytest.fixture(autouse=True)
def unchecked() -> Iterator[None]:
    """The recording loop is no backend."""
    with annotations_unchecked():
        yield


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert "batches ahead" not in {thread.name for thread in threading.enumerate()}


def trained(
    out: Path, begun: State | None = None, before: Callable[[int], None] = lambda number: None
) -> tuple[Any, RecordingLoop, dict[str, Any]]:
    """A short run by the recording loop; ``before`` is called with each batch's number as it is made."""
    task = task_of("gpt", steps=STEPS, optimizer=Optimizer(accumulate=ACCUMULATE))
    loop, make = RecordingLoop(), type(task).batch

    def batch(self: Any, number: int) -> Any:
        before(number)
        return make(self, number)

    with (
        mock.patch("train.loops.fit.backend", lambda name: loop),
        mock.patch.object(type(task), "batch", batch),
        progress_bar(Console(quiet=True)) as progress,
    ):
        report = fit(task, "torch", out, progress, begun)
    return task, loop, report


def rows_in(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "speed.jsonl").read_text().splitlines()]


def test_a_slow_stream_is_what_the_loop_waits_for(tmp_path: Path) -> None:
    _, _, report = trained(tmp_path, before=lambda number: time.sleep(5 * SLOW))
    assert report["speed"]["input_share"] > 0.3  # beside what writing takes on a busy machine
    assert any((row["input_share"] or 0.0) > 0.3 for row in rows_in(tmp_path))
    assert "waits for input" in in_short(report["speed"])


def test_a_stream_that_keeps_up_takes_no_time(tmp_path: Path) -> None:
    step = RecordingTrainer.step

    def slow(self: RecordingTrainer, number: int) -> dict[str, float]:
        time.sleep(SLOW)
        return step(self, number)

    with mock.patch.object(RecordingTrainer, "step", slow):
        task, _, report = trained(tmp_path, before=lambda number: time.sleep(SLOW / 10))
    speed = report["speed"]
    assert speed["input_share"] < 0.1
    assert "input" not in in_short(speed)
    tokens = ACCUMULATE * task.batch(0).ids.size
    assert speed["tokens_per_second"] == pytest.approx(tokens / (1.2 * SLOW), rel=0.5)
    assert speed["peak_memory"]["process"] > 2**20 and speed["peak_memory"]["device"] is None
    assert [row["step"] for row in rows_in(tmp_path)][-1] == STEPS - 1


def test_a_run_that_goes_on_takes_the_batches_that_are_left(tmp_path: Path) -> None:
    task, loop, _ = trained(tmp_path, State({"weight": np.full(1, 7.0)}, {}, 7))
    assert len(loop.trained_on) == (STEPS - 7) * ACCUMULATE
    for number, batch in enumerate(loop.trained_on, 7 * ACCUMULATE):
        assert (batch.ids == task.batch(number).ids).all()


def test_an_error_in_the_stream_ends_the_run_at_its_step(tmp_path: Path) -> None:
    steps: list[int] = []
    step = RecordingTrainer.step

    def noted(self: RecordingTrainer, number: int) -> dict[str, float]:
        steps.append(number)
        return step(self, number)

    def unreadable(number: int) -> None:
        if number == 9:
            raise DataError("row 9 is no text")

    with (
        mock.patch.object(RecordingTrainer, "step", noted),
        pytest.raises(DataError, match="row 9 is no text") as caught,
    ):
        trained(tmp_path, before=unreadable)
    assert steps == [0, 1, 2, 3, 4]  # of two batches each
    assert caught.value.__notes__ == ["while batch 9, counted from 0, was made"]


@pytest.mark.parametrize("wrong", [0, 18, 19, 20, 37, 38, STEPS - 1])
def test_a_loss_that_is_none_is_named_at_its_step_and_nothing_is_saved(wrong: int, tmp_path: Path) -> None:
    step = RecordingTrainer.step

    def failing(self: RecordingTrainer, number: int) -> dict[str, float]:
        return step(self, number) | ({"loss": float("nan")} if number == wrong else {})

    with (
        mock.patch.object(RecordingTrainer, "step", failing),
        pytest.raises(FloatingPointError, match=f"the torch loss is nan at step {wrong}:"),
    ):
        trained(tmp_path)
    assert read_about(tmp_path / "checkpoint.safetensors")["step"] <= wrong


SMALL = Config(
    data="embedded",
    text=Text(batch=8, buckets=2),
    model=ClassifierConfig(vocab=300, max_positions=32, embed=4, heads=1, mlp=4, layers=1),
    steps=12,
)


def test_a_shape_that_was_not_planned_is_warned_of(tmp_path: Path) -> None:
    """By JAX itself: of two widths one is planned."""
    task, said = prepare(SMALL, None), io.StringIO()
    widest, narrow = task.widths(12)
    first = next(n for n in range(12) if task.batch(n).ids.shape == narrow.ids.shape)

    def run(folder: str) -> dict[str, Any]:
        with progress_bar(Console(file=said, width=300)) as progress:
            return fit(task, "jax", tmp_path / folder, progress)["speed"]

    with mock.patch.object(type(task), "widths", lambda self, steps: [widest]):
        speed = run("unplanned")
    width = narrow.ids.shape[1]
    assert f"Step {first} has a shape of batch that was not planned (ids (8, {width})" in said.getvalue()
    assert said.getvalue().count("was not planned") == 1
    assert speed["programs_compiled"] >= 3 and speed["compile_seconds"] > 0  # two gradients and an update
    assert speed["tokens_per_second"] > 0

    said.truncate(0)
    again = run("planned")
    assert "planned" not in said.getvalue()
    assert again["programs_compiled"] < speed["programs_compiled"]


def test_a_run_in_one_line() -> None:
    memory = {"process": 3 * 2**29, "device": None}
    whole = Spent(tokens=1000, seconds=2.0, waiting=0.5, compiling=1.25, programs=3)
    timed = whole.rates() | {"programs_compiled": 3, "compile_seconds": 1.2, "peak_memory": memory}
    assert describe(timed) == (
        "500 tokens a second, 25.0% of the time waiting for input, 3 programs compiled in 1.2 s, "
        "1.50 GiB of the process's memory at most"
    )
    untimed = Spent(compiling=1.0, seconds=0.1).rates()
    assert untimed == {"tokens_per_second": None, "input_share": None} and in_short(untimed) == ""
    nothing = {"programs_compiled": 0, "compile_seconds": 0.0, "peak_memory": dict.fromkeys(memory)}
    assert describe(untimed | nothing) == ""
