"""What of a run was changed after it was written is noticed, by whoever reads it and by verify."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from safetensors.numpy import load_file, save_file

import train
from jax_impl.config import ClassifierConfig
from train.config import Config, Text
from train.resume import resume
from train.runs.checkpoint import CheckpointError
from train.runs.files import RunError
from train.runs.safetensors_header import header
from train.runs.verify import verify
from train.start import train as train_run
from twinformer import cli

CONFIG = Config(
    data="embedded",
    text=Text(batch=64, buckets=1),
    model=ClassifierConfig(vocab=600, max_positions=16, embed=8, heads=2, mlp=8, layers=1, dropout=0.1),
    steps=3,
)
CHECKPOINT = "torch/checkpoint.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    train_run(CONFIG, ["torch"], out, None, True, Console(quiet=True))
    return out


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "run")


def flip(path: Path, place: int = 30) -> None:
    """One bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


def rewritten(path: Path, change: Callable[[dict[str, np.ndarray]], None], about: bool) -> None:
    """The tensors changed and saved again, with or without what was said about them."""
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata if about else None)


def swap(tensors: dict[str, np.ndarray]) -> None:
    query, key = (f"params/blocks_0/attention/{name}/kernel" for name in ("query", "key"))
    tensors[query], tensors[key] = tensors[key], tensors[query]


def spoil(tensors: dict[str, np.ndarray]) -> None:
    tensors["params/head/bias"] = tensors["params/head/bias"] * np.nan


def edited(path: Path, *change: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in change:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def swap_tokens(path: Path) -> None:
    fields = json.loads(path.read_text())
    vocab = fields["model"]["vocab"]
    first, second = list(vocab)[100:102]
    vocab[first], vocab[second] = vocab[second], vocab[first]
    path.write_text(json.dumps(fields))


def flip_weight(path: Path) -> None:
    flip(path, header(path, "")["params/head/bias"].begin)


CHANGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a bit of a weight": (CHECKPOINT, flip_weight),
    "a bit of the header": (CHECKPOINT, lambda path: flip(path, 200)),
    "query and key swapped": (CHECKPOINT, lambda path: rewritten(path, swap, about=True)),
    "query and key swapped, digests left out": (CHECKPOINT, lambda path: rewritten(path, swap, about=False)),
    "weights that are not finite": (CHECKPOINT, lambda path: rewritten(path, spoil, about=False)),
    "half of it": (CHECKPOINT, lambda path: path.write_bytes(path.read_bytes()[:20000])),
    "two tokens swapped": ("tokenizer.json", swap_tokens),
    "another model": ("model.json", lambda path: edited(path, ('"gelu"', '"relu"'))),
    "an older model": ("model.json", lambda path: edited(path, ('"schema": 3', '"schema": 2'))),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_what_was_changed_is_not_used(run: Path, change: str, framework, capsys) -> None:
    name, mutate = CHANGES[change]
    before = (run / name).read_bytes()
    mutate(run / name)
    assert (run / name).read_bytes() != before
    with pytest.raises((CheckpointError, RunError)) as caught:
        train.load(run, framework)
    assert name in str(caught.value) and "\n" not in str(caught.value)
    assert name in {finding.file for finding in verify(run) if finding.wrong}
    assert cli.status(["verify", str(run)]) == 1


@pytest.mark.parametrize(
    "name",
    ["torch/metrics.jsonl", "torch/report.json", "report.json", "curves.png", "config.json", "run.json"],
)
@pytest.mark.parametrize("change", ["changed", "removed"])
def test_verify_sees_every_file(run: Path, name: str, change: str) -> None:
    assert not any(finding.wrong for finding in verify(run))
    if change == "changed":
        flip(run / name)
    elif name == "report.json":
        return  # what names all others; without it the run is unfinished
    else:
        (run / name).unlink()
    wrong = {finding.file for finding in verify(run) if finding.wrong}
    assert name in wrong


def test_verify_says_what_a_healthy_run_holds(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["verify", str(whole)]) == 0
    said = capsys.readouterr().out
    for path in whole.rglob("*"):
        if path.is_file():
            assert str(path.relative_to(whole)) in said
    assert cli.status(["verify", str(whole / "torch")]) == 2


def test_metrics_that_are_not_those_of_the_checkpoint_stop_resuming(run: Path) -> None:
    (run / "report.json").unlink()
    edited(run / "torch/metrics.jsonl", ('{"step": 1,', '{"step": 5,'))
    kept = (run / "torch/metrics.jsonl").read_bytes()
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl is not what was written before step 3"):
        resume(run, None, None, None, None, True, Console(quiet=True))
    assert (run / "torch/metrics.jsonl").read_bytes() == kept


def test_a_run_that_was_killed_after_its_last_step_gets_its_report(whole: Path, run: Path) -> None:
    for name in ("report.json", "torch/report.json", "curves.png"):
        (run / name).unlink()
    with (run / "torch/metrics.jsonl").open("a") as log:
        log.write('{"step": 3, "lo')  # cut off
    before = (run / CHECKPOINT).read_bytes()
    report = resume(run, None, None, None, None, True, Console(quiet=True))
    expected = json.loads((whole / "report.json").read_text())["torch"]
    left_out = {"seconds", "speed", "resumed_after", "files"}
    again = json.loads(json.dumps(report["torch"]))
    assert {name: value for name, value in again.items() if name not in left_out} == {
        name: value for name, value in expected.items() if name not in left_out
    }
    assert (run / CHECKPOINT).read_bytes() == before
    assert (run / "torch/metrics.jsonl").read_bytes() == (whole / "torch/metrics.jsonl").read_bytes()
    assert not [finding for finding in verify(run) if finding.wrong]
