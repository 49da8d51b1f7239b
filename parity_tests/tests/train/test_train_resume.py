"""A run that is interrupted and resumed, in either framework, is the run that never stopped."""

import shutil
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from rich.console import Console
from safetensors.numpy import load_file

from jax_impl.config import ClassifierConfig
from train.config import FRAMEWORKS, Config, Text
from train.loops.backend import backend
from train.loops.saving import Saving
from train.resume import resume
from train.runs import checkpoint
from train.runs.checkpoint import CheckpointError
from train.runs.curves import column
from train.runs.files import RunError
from train.runs.metrics import read_metrics
from train.start import train
from twinformer.cli import main

# Three steps an epoch, three epochs.
CONFIG = Config(
    data="embedded",
    text=Text(batch=512, buckets=1),
    model=ClassifierConfig(vocab=600, max_positions=16, embed=16, heads=2, mlp=16, layers=1, dropout=0.1),
    epochs=3,
)
QUIET = Console(quiet=True)
pytestmark = pytest.mark.usefixtures("unchecked")  # dozens of runs of what others check


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in JAX that nothing interrupts."""
    out = tmp_path_factory.mktemp("whole") / "run"
    train(CONFIG, ["jax"], out, None, True, QUIET)
    return out


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, both frameworks, each stopped in its second epoch, at the sixth step."""
    out = tmp_path_factory.mktemp("cut") / "run"
    for name, loop in zip(FRAMEWORKS, map(backend, FRAMEWORKS), strict=True):
        step = loop.Trainer.step

        def until_the_sixth(self, number, step=step):
            if number == 5:
                raise KeyboardInterrupt
            return step(self, number)

        with mock.patch.object(loop.Trainer, "step", until_the_sixth), pytest.raises(KeyboardInterrupt):
            train(CONFIG, [name], out / name, None, True, QUIET)
    (out / "torch" / "torch").rename(out / "jax" / "torch")
    return out / "jax"


def state(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "checkpoint.safetensors")


def apart(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """Relative to each tensor, the key bias left out, whose gradient is rounding noise."""
    assert ours.keys() == theirs.keys()
    return max(
        float(np.abs(ours[name] - theirs[name]).max() / np.abs(ours[name]).max())
        for name in ours
        if not name.endswith("key/bias")
    )


@pytest.mark.parametrize("source", FRAMEWORKS)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_resumed_is_never_stopped(whole: Path, cut: Path, tmp_path: Path, source, framework) -> None:
    before = {path: path.read_bytes() for path in cut.rglob("*") if path.is_file()}
    report = resume(cut, tmp_path / "new", source, framework, None, True, QUIET)
    assert before == {path: path.read_bytes() for path in cut.rglob("*") if path.is_file()}
    ours, theirs = state(whole / "jax"), state(tmp_path / "new" / framework)
    assert apart(ours, theirs) < 1e-4  # float32, as the runs are
    if source == framework == "jax":
        assert all((ours[name] == theirs[name]).all() for name in ours)
    steps, losses = column(read_metrics(tmp_path / "new" / framework), "loss")
    assert steps.tolist() == list(range(1, 10))
    assert losses == pytest.approx(column(read_metrics(whole / "jax"), "loss")[1], rel=1e-5)
    assert report[framework]["steps"] == 9
    assert checkpoint.read_about(tmp_path / "new" / framework / checkpoint.NAME)["step"] == 9


@pytest.mark.parametrize(("lost", "framework"), [("moments", "jax"), ("moments", "torch"), ("step", "jax")])
def test_what_is_not_restored_is_noticed(
    whole: Path, cut: Path, tmp_path: Path, lost: str, framework
) -> None:
    load_state = checkpoint.load_state

    def forgetful(*arguments):
        found = load_state(*arguments)
        return (
            found._replace(moments={}) if lost == "moments" else found._replace(step=0, fingerprint=mock.ANY)
        )

    with mock.patch.object(checkpoint, "load_state", forgetful):
        resume(cut, tmp_path / "new", "jax", framework, None, True, QUIET)
    assert apart(state(whole / "jax"), state(tmp_path / "new" / framework)) > 1e-2


def test_a_finished_run_is_refused(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="took all of its 9 steps: there is nothing to resume"):
        resume(whole, tmp_path / "new", "jax", "jax", None, True, QUIET)
    with pytest.raises(CheckpointError, match=r"no checkpoint .*torch"):
        resume(whole, tmp_path / "new", "torch", "jax", None, True, QUIET)
    assert not (tmp_path / "new").exists()


def test_the_source_is_chosen_where_there_is_a_choice(whole: Path, cut: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="checkpoints of jax and torch: choose one with --source"):
        resume(cut, tmp_path / "new", None, None, None, True, QUIET)
    with pytest.raises(RunError, match="checkpoints of neither framework: there is nothing to resume"):
        resume(tmp_path, tmp_path / "new", None, None, None, True, QUIET)
    with pytest.raises(RunError, match="took all of its 9 steps"):  # it found the one there is
        resume(whole, tmp_path / "new", None, None, None, True, QUIET)


@pytest.mark.parametrize("changed", ["config.json", "tokenizer.json"])
def test_a_run_that_was_changed_is_refused(cut: Path, tmp_path: Path, changed: str) -> None:
    copied = shutil.copytree(cut, tmp_path / "copied")
    text = (copied / changed).read_text()
    if changed == "config.json":
        other = text.replace('"learning_rate": 0.001', '"learning_rate": 0.002')
    else:
        other = text.replace('"##s"', '"##z9"')
    assert other != text
    (copied / changed).write_text(other)
    with pytest.raises(CheckpointError, match=rf"{changed} is not the file that .* was saved with"):
        resume(copied, tmp_path / "new", "jax", "jax", None, True, QUIET)
    assert not (tmp_path / "new").exists()


def test_a_line_that_was_cut_off_does_no_harm(cut: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(cut, tmp_path / "copied")
    with (copied / "jax" / "metrics.jsonl").open("a") as log:
        log.write('{"step": 4, "lo')
    assert read_metrics(copied / "jax") == read_metrics(cut / "jax")


def test_long_epochs_are_saved_in_between(tmp_path: Path) -> None:
    saved = []

    def save(folder, groups, about, keep):
        saved.append(about["step"])

    with (
        mock.patch.object(checkpoint, "save", save),
        mock.patch("train.runs.digests.of_files", lambda *rest: {}),
    ):
        for every in ("1", "2", "3600s"):
            train(
                replace(CONFIG, epochs=1),
                ["torch"],
                tmp_path / every,
                None,
                True,
                QUIET,
                saving=Saving(every),
            )
    assert saved == [0, 1, 2, 3, *(0, 2, 3), *(0, 3)]


def test_weights_that_are_not_finite_replace_no_checkpoint(tmp_path: Path) -> None:
    params = backend("torch").Trainer.params

    def broken(self):
        found = params(self)
        return found | {"head/bias": found["head/bias"] * np.nan}

    refused = pytest.raises(FloatingPointError, match="head/bias in torch is not finite after step 2")
    with mock.patch.object(backend("torch").Trainer, "params", broken), refused:
        train(replace(CONFIG, epochs=1), ["torch"], tmp_path / "run", None, True, QUIET)
    (path,) = tmp_path.rglob("checkpoint*")
    assert checkpoint.read_about(path)["step"] == 0


def test_weights_that_came_from_elsewhere_are_refused(tmp_path: Path) -> None:
    weights = {"head/bias": np.ones(2, np.float32)}
    checkpoint.save(tmp_path, {"params": weights, "mean": weights}, {"imported": "somewhere"})
    with pytest.raises(CheckpointError, match="nothing to resume"):
        checkpoint.load_state(tmp_path, {"head/bias": (2,)}, ["mean"])
    with pytest.raises(CheckpointError, match=r"square in .*head/bias has shape None there"):
        checkpoint.load_state(tmp_path, {"head/bias": (2,)}, ["mean", "square"])


def test_the_command(cut: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    new = tmp_path / "new"
    monkeypatch.setattr("sys.argv", ["twinformer", "resume", str(cut), str(new), "--source", "torch"])
    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == 0 and "after step 3 of 9, in torch" in " ".join(capsys.readouterr().out.split())
    assert (new / "torch" / "report.json").is_file()
