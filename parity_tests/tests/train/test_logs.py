"""What a run writes on the way: how it is asked for, refused, and remembered."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from jax_impl.config import GPTConfig
from parity_tests.tests.train.test_train_resume import CONFIG, QUIET
from train.config import FRAMEWORKS, Config, ConfigError, Optimizer, Text
from train.loops.logs import Logging
from train.loops.samples import NAME as SAMPLES
from train.loops.saving import Saving
from train.loops.torch_loop import Trainer
from train.resume import resume
from train.runs import digests, verify
from train.runs.load import load
from train.runs.metrics import read_metrics, read_rows
from train.runs.plan import read_plan
from train.start import train
from twinformer import cli

pytestmark = pytest.mark.usefixtures("unchecked")  # dozens of runs of what others check


def test_a_plan_of_before_is_read(tmp_path: Path) -> None:
    fields = {"frameworks": ["jax"], "skip_parity": False, "saving": {"save_every": "10m", "keep": 1}}
    (tmp_path / "run.json").write_text(json.dumps(digests.sealed(fields)))
    assert read_plan(tmp_path).logging == Logging()


def test_without_tensorboard_the_extra_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "train.runs.events", raising=False)
    out = tmp_path / "run"
    assert cli.status(["train", "gpt-embedded", "--tensorboard", "--out", str(out)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith("twinformer: --tensorboard: ") and "pip install 'twinformer[tensorboard]'" in told
    assert not out.exists()


def test_lines_are_left_out_and_the_others_are_as_they_were(tmp_path: Path) -> None:
    rows = {}
    for every in (1, 4):
        train(CONFIG, ["torch"], tmp_path / str(every), None, True, QUIET, logging=Logging(log_every=every))
        rows[every] = read_metrics(tmp_path / str(every) / "torch")
    assert [row["step"] for row in rows[4] if "loss" in row] == [0, 3, 7, 8]
    assert [row["step"] for row in rows[4] if "loss" not in row] == [2, 5, 8]  # of validation
    assert [row for row in rows[1] if "loss" not in row or row["step"] in (0, 3, 7, 8)] == rows[4]


LANGUAGE = Config(
    data="embedded",
    text=Text(batch=8),
    model=GPTConfig(vocab=400, max_positions=16, embed=16, heads=2, mlp=16, layers=1, dropout=0.1),
    optimizer=Optimizer(learning_rate=0.05, warmup=0.0),
    steps=5,
    seed=3,
)
WRITES = Logging(sample_every=2, prompt="The class")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in both frameworks that writes after two steps and after four, of five."""
    out = tmp_path_factory.mktemp("written") / "run"
    train(LANGUAGE, ["jax", "torch"], out, None, True, QUIET, logging=WRITES)
    return out


def test_both_frameworks_write_the_same_while_they_learn(written: Path) -> None:
    samples = [read_rows(written / framework / SAMPLES) for framework in FRAMEWORKS]
    assert samples[0] == samples[1]
    assert [(row["step"], row["prompt"]) for row in samples[0]] == [(2, "The class"), (4, "The class")]
    assert all(row["text"] for row in samples[0]) and samples[0][0]["text"] != samples[0][1]["text"]
    assert verify.verify(written) and not any(finding.wrong for finding in verify.verify(written))


def test_a_sample_is_what_the_run_s_generate_writes(written: Path, tmp_path: Path) -> None:
    """Of the weights after the last step, by the run's seed."""
    every = replace(WRITES, sample_every=5)
    train(LANGUAGE, ["torch"], tmp_path / "run", None, True, QUIET, logging=every)
    (row,) = read_rows(tmp_path / "run" / "torch" / SAMPLES)
    for framework in FRAMEWORKS:
        assert load(written, framework).generate("The class", seed=3) == [row["text"]]


def test_writing_changes_nothing_of_what_is_learned(written: Path, tmp_path: Path) -> None:
    train(LANGUAGE, ["torch"], tmp_path / "run", None, True, QUIET)
    assert not (tmp_path / "run" / "torch" / SAMPLES).exists()
    name = "metrics.jsonl"
    assert (tmp_path / "run" / "torch" / name).read_text() == (written / "torch" / name).read_text()


def test_a_run_that_goes_on_has_no_sample_twice(written: Path, tmp_path: Path) -> None:
    step = Trainer.step

    def until_the_fifth(self: Trainer, number: int) -> object:
        if number == 4:
            raise RuntimeError
        return step(self, number)

    out = tmp_path / "run"
    with mock.patch.object(Trainer, "step", until_the_fifth), pytest.raises(RuntimeError):
        train(LANGUAGE, ["torch"], out, None, True, QUIET, saving=Saving("3"), logging=WRITES)
    assert [row["step"] for row in read_rows(out / "torch" / SAMPLES)] == [2, 4]  # saved after three
    resume(out, None, None, None, None, True, QUIET)
    assert (out / "torch" / SAMPLES).read_text() == (written / "torch" / SAMPLES).read_text()
    train(LANGUAGE, ["torch"], out, None, True, QUIET, overwrite=True)
    assert not (out / "torch" / SAMPLES).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--log-every", "0"], "--log-every 0: give 1 or more"),
        (["--sample-every", "-1"], "--sample-every -1: give 0 (never) or more"),
        (["--prompt", "once"], "--prompt once: goes with sample_every; give that too"),
    ],
)
def test_what_is_of_no_use_is_refused(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert cli.status(["train", "gpt-embedded", *options, "--out", str(out)]) == 2
    assert message in " ".join(capsys.readouterr().err.split()) and not out.exists()


def test_only_a_gpt_writes_and_only_after_a_prompt_that_fits(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sample_every=2: classifier writes no text"):
        train(CONFIG, ["torch"], tmp_path / "run", None, True, QUIET, logging=replace(WRITES, prompt=""))
    long = replace(WRITES, prompt="The class " * 16)
    with pytest.raises(ConfigError, match=r"prompt='The .*': it has \d+ tokens, and the model 16 positions"):
        train(LANGUAGE, ["torch"], tmp_path / "run", None, True, QUIET, logging=long)
    assert not (tmp_path / "run").exists()
