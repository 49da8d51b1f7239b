"""A run in both frameworks that a signal ends, in either half: `resume` makes it the run that none ended."""

import json
import signal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from safetensors.numpy import load_file

from train.config import FRAMEWORKS
from train.loops.backend import backend
from train.runs.checkpoint import NAME, read_about
from twinformer import cli

pytestmark = pytest.mark.usefixtures("not_ignored", "unchecked")  # runs of what others check

TRAIN = (
    "train classifier-embedded --skip-parity --text.batch 256 --text.buckets 1 --model.vocab 300 "
    "--model.max-positions 8 --model.embed 8 --model.heads 2 --model.mlp 8 --model.layers 1 --steps 5"
)
SIGNALS = {"jax": signal.SIGTERM, "torch": signal.SIGHUP}


def train(out: Path) -> int:
    return cli.status([*TRAIN.split(), "--out", str(out)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing ended."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert train(out) == 0
    return out


def timeless(report: Any) -> Any:
    """A report without what differs from run to run."""
    if not isinstance(report, dict):
        return report
    left_out = ("seconds", "speed", "resumed_after", "digest", "files")
    return {name: timeless(value) for name, value in report.items() if name not in left_out}


@pytest.mark.parametrize(("half", "step"), [("jax", 0), ("jax", 4), ("torch", 2), ("torch", 4)])
def test_whichever_half_is_ended_both_are_finished(
    half: Any, step: int, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, trainer, number = tmp_path / "run", backend(half).Trainer, SIGNALS[half]
    before = trainer.step

    def ended(self: Any, at: int) -> Any:
        if at == step:
            signal.raise_signal(number)
        return before(self, at)

    with mock.patch.object(trainer, "step", ended):
        assert train(out) == 128 + number
    said = capsys.readouterr().err
    assert f"{out / half} holds {step + 1} steps" in said and f"go on with: twinformer resume {out}" in said
    assert (out / "torch").exists() == (half == "torch")  # JAX's half comes first
    assert cli.status(["resume", str(out)]) == 0
    for framework in FRAMEWORKS:
        ours, theirs = (load_file(run / framework / NAME) for run in (whole, out))
        assert all((ours[name] == theirs[name]).all() for name in ours | theirs)
        assert read_about(out / framework / NAME)["step"] == 5
        metrics = [(run / framework / "metrics.jsonl").read_bytes() for run in (whole, out)]
        assert metrics[0] == metrics[1]
    reports = [timeless(json.loads((run / "report.json").read_text())) for run in (whole, out)]
    assert reports[0] == reports[1] and "largest_gap" in reports[0]
