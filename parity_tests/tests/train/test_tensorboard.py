"""What a run writes for TensorBoard, read back by TensorBoard's own reader."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from parity_tests.tests.train.test_train_resume import CONFIG, QUIET
from train.config import Framework
from train.loops.logs import Logging
from train.loops.torch_loop import Trainer
from train.resume import resume
from train.runs.metrics import read_metrics
from train.start import train

pytest.importorskip("tensorboard", reason="it is an extra: pip install 'twinformer[tensorboard]'")
pytestmark = pytest.mark.usefixtures("unchecked")  # dozens of runs of what others check
ASKED = Logging(tensorboard=True)  # of nine steps, three an epoch


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*tfevents*"))


def events(folder: Path) -> list[tuple[str, int, float]]:
    """Tag, step and value of everything in a folder's files, in their order; nothing is purged."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event

    read = [Event.FromString(raw) for path in files(folder) for raw in RawEventFileLoader(str(path)).Load()]
    return [(one.tag, event.step, one.simple_value) for event in read for one in event.summary.value]


def logged(folder: Path) -> list[tuple[str, int, float]]:
    """The same of metrics.jsonl."""
    from train.runs.events import tag

    rows = read_metrics(folder)
    return [
        (tag(name), row["step"] + 1, float(np.float32(value)))
        for row in rows
        for name, value in row.items()
        if name != "step"
    ]


def begin(out: Path, framework: Framework = "torch", logging: Logging = ASKED) -> Path:
    train(CONFIG, [framework], out, None, True, QUIET, logging=logging)
    return out / framework


def die(out: Path) -> None:
    """In the sixth step."""
    step = Trainer.step

    def until_the_sixth(self: Trainer, number: int) -> object:
        if number == 5:
            raise RuntimeError
        return step(self, number)

    with mock.patch.object(Trainer, "step", until_the_sixth), pytest.raises(RuntimeError):
        begin(out)


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_the_events_are_the_rows(framework: Framework, tmp_path: Path) -> None:
    folder = begin(tmp_path / "run", framework)
    assert len(files(folder)) == 1
    assert Counter(events(folder)) == Counter(logged(folder))
    tags = Counter(name for name, *_ in events(folder))
    assert tags["train/loss"] == tags["train/learning_rate"] == 9
    assert tags["validation/loss"] == tags["validation/accuracy"] == 3


def test_tensorboard_shows_each_step_once(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = begin(tmp_path / "run")
    shown = EventAccumulator(str(folder))
    shown.Reload()
    assert [one.step for one in shown.Scalars("train/loss")] == [*range(1, 10)]
    assert [one.step for one in shown.Scalars("validation/loss")] == [3, 6, 9]


def test_a_run_that_goes_on_has_no_step_twice(tmp_path: Path) -> None:
    """It died in its sixth step, after what was logged behind the last checkpoint, within a record."""
    die(tmp_path / "run")
    folder = tmp_path / "run" / "torch"
    assert 1 <= len(events(folder)) == len(logged(folder))
    (before,) = files(folder)
    with (folder / "metrics.jsonl").open("a") as rows:
        rows.write('{"step": 3, "loss": 1.0}\n{"step": 4, "lo')
    with before.open("ab") as file:
        file.write(b"\x10\x00")
    resume(tmp_path / "run", None, None, None, None, True, QUIET)
    assert len(files(folder)) == 1 and files(folder) != [before]
    assert Counter(events(folder)) == Counter(logged(folder))
    assert max(Counter((name, step) for name, step, _ in events(folder)).values()) == 1
    assert [s for name, s, _ in events(folder) if name == "train/loss"] == [*range(1, 10)]


def test_a_run_of_its_own_has_all_steps_from_the_first(tmp_path: Path) -> None:
    die(tmp_path / "run")
    resume(tmp_path / "run", tmp_path / "new", None, "jax", None, True, QUIET)
    folder = tmp_path / "new" / "jax"
    assert [s for name, s, _ in events(folder) if name == "train/loss"] == [*range(1, 10)]
    assert json.loads((tmp_path / "new" / "run.json").read_text())["logging"]["tensorboard"] is True


def test_unasked_there_are_none_and_beginning_again_removes_ours_alone(tmp_path: Path) -> None:
    folder = begin(tmp_path / "run")
    theirs = folder / "events.out.tfevents.1700000000.host"
    theirs.write_bytes(b"")
    train(CONFIG, ["torch"], tmp_path / "run", None, True, QUIET, overwrite=True)
    assert files(folder) == [theirs]


def test_no_framework_is_needed() -> None:
    """A run in JAX loads no PyTorch for it, nor the other way round."""
    code = "import sys, train.runs.events; print([m for m in ('jax', 'torch') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
