"""A whole small run in both frameworks: its files, its reports, opened again, refused where it must be."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from rich.console import Console

import torch_impl.layers
import train
from data import DataError
from jax_impl.config import ClassifierConfig
from train.config import FRAMEWORKS, Config, ConfigError, Text
from train.evaluate import evaluate
from train.proof.preflight import ParityError
from train.runs.checkpoint import CheckpointError
from train.runs.curves import column, largest_gap
from train.runs.files import RunError, read_config
from train.runs.metrics import read_metrics
from train.runs.verify import verify
from train.start import train as train_run
from twinformer.cli import main

CONFIG = Config(
    data="embedded",
    text=Text(batch=32, buckets=1),
    model=ClassifierConfig(vocab=600, max_positions=16, embed=16, heads=2, mlp=16, layers=1, dropout=0.1),
    steps=6,
)
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("runs") / "both"
    return out, train_run(CONFIG, ["jax", "torch"], out, None, False, QUIET)


def test_the_folder_holds_what_its_page_says(run: tuple[Path, dict[str, Any]]) -> None:
    out, _ = run
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    each = {"metrics.jsonl", "speed.jsonl", "checkpoint.safetensors", "report.json"}
    shared = {
        "run.json",
        "config.json",
        "model.json",
        "tokenizer.json",
        "parity.json",
        "report.json",
        "curves.png",
    }
    assert files == shared | {f"{framework}/{name}" for framework in FRAMEWORKS for name in each}
    assert json.loads((out / "parity.json").read_text())["passed"] is True
    written = json.loads((out / "report.json").read_text())
    assert {name: written[name] for name in run[1]} == json.loads(json.dumps(run[1]))
    assert not [finding for finding in verify(out) if finding.wrong]
    assert {finding.file for finding in verify(out)} == files


def test_both_frameworks_saw_the_same_training(run: tuple[Path, dict[str, Any]]) -> None:
    out, report = run
    rows = {framework: read_metrics(out / framework) for framework in FRAMEWORKS}
    gap = largest_gap(*rows.values())
    assert gap == report["largest_gap"]
    assert gap["loss"] < 1e-4
    steps, losses = column(rows["jax"], "loss")
    assert steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert len(set(losses.tolist())) == 6
    assert len(column(rows["torch"], "validation_loss")[0]) == 1
    for figure in ("untrained", "trained"):
        assert report["jax"][figure]["loss"] == pytest.approx(report["torch"][figure]["loss"], abs=1e-4)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_evaluate_recomputes_the_report(run: tuple[Path, dict[str, Any]], framework: Any) -> None:
    out, report = run
    again = evaluate(out, framework, None, QUIET)
    for figure in ("untrained", "trained", "majority_class"):
        assert again[figure]["loss"] == pytest.approx(report[framework][figure]["loss"], abs=1e-6)
    written = json.loads((out / f"evaluation-{framework}.json").read_text())
    assert written["first_batch"][0]["text"] == report[framework]["first_batch"][0]["text"]


def test_a_run_opens_in_either_framework(run: tuple[Path, dict[str, Any]]) -> None:
    ids = np.array([[7, 8, 9, 10], [11, 12, 0, 0]], np.int32)
    mask = ids > 0
    opened = {framework: train.load(run[0], framework) for framework in FRAMEWORKS}
    outputs = {framework: one.outputs(ids, mask) for framework, one in opened.items()}
    assert outputs["jax"].shape == (2, 7)
    np.testing.assert_allclose(outputs["jax"], outputs["torch"], atol=1e-4)
    assert np.abs(outputs["jax"]).max() > 1e-2
    own = opened["torch"].model(torch.tensor(ids), torch.tensor(mask)).detach().numpy()
    assert (own == outputs["torch"]).all()
    assert opened["jax"].classes == opened["torch"].classes
    assert len(opened["jax"].classes) == 7
    assert opened["jax"].tokenizer.get_vocab_size() == 600
    with pytest.raises(DataError, match="token id 600 is outside 0 to 599"):
        opened["torch"].outputs(ids + 593, mask)


def test_a_run_trained_in_one_framework_opens_in_the_other(
    run: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    config = Config(**vars(CONFIG) | {"steps": 2})
    train_run(config, ["torch"], tmp_path / "run", None, True, QUIET)
    ids = np.array([[7, 8, 9]], np.int32)
    ours, theirs = (train.load(tmp_path / "run", f).outputs(ids, ids > 0) for f in ("jax", "torch"))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert not (tmp_path / "run" / "parity.json").exists()


def test_a_used_folder_is_refused_before_anything_is_read(run: tuple[Path, dict[str, Any]]) -> None:
    before = (run[0] / "config.json").read_bytes()
    with mock.patch("train.start.prepare") as prepare, pytest.raises(RunError, match="is not empty"):
        train_run(CONFIG, ["jax"], run[0], None, True, QUIET)
    prepare.assert_not_called()
    assert (run[0] / "config.json").read_bytes() == before


@pytest.mark.usefixtures("no_parity_cache")
def test_training_refuses_models_that_diverge(tmp_path: Path) -> None:
    """An injected defect: PyTorch's exact GELU is the tanh approximation."""
    wrong = {**torch_impl.layers.ACTIVATIONS, "gelu": torch_impl.layers.gelu_tanh}
    with (
        mock.patch.object(torch_impl.layers, "ACTIVATIONS", wrong),
        pytest.raises(
            ParityError, match=r"diverge at tap blocks\.0/feed_forward/active.* themselves: blocks\.0\. The"
        ),
    ):
        train_run(CONFIG, ["jax"], tmp_path / "run", None, False, QUIET)
    parity = json.loads((tmp_path / "run" / "parity.json").read_text())
    assert parity["passed"] is False
    for isolation in parity["isolation"]:
        diverging = [block["worst"] for block in isolation["blocks"] if block["verdict"] == "diverges"]
        assert diverging == ["blocks.0/feed_forward/active"]
    assert [i["model"] for i in parity["isolation"]] == ["classifier in training"]
    assert not (tmp_path / "run" / "jax").exists()


def test_bad_settings_are_refused_before_data_is_read(tmp_path: Path) -> None:
    bad = replace(CONFIG, seed=-1)
    with mock.patch("data.load") as load, pytest.raises(ConfigError, match="seed=-1"):
        train_run(bad, ["jax"], tmp_path / "run", None, True, QUIET)
    load.assert_not_called()
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no trained run"):
        train.load(tmp_path)
    (tmp_path / "model.json").write_text('{"target": "gpt.GPT"}')
    with pytest.raises(RunError, match="not the model of a run: KeyError"):
        train.load(tmp_path)
    (tmp_path / "config.json").write_text('{"depth": 3}')
    with pytest.raises(RunError, match="not the configuration of a run"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunError, match=r"config\.json is damaged"):
        read_config(tmp_path)


@pytest.mark.usefixtures("unchecked")
def test_a_framework_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="framework='tensorflow'"):
        train.load(tmp_path, "tensorflow")  # type: ignore[arg-type]


def test_a_checkpoint_of_another_model_is_named(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    fields = json.loads((run[0] / "model.json").read_text())
    fields["config"]["mlp"] = 17
    (tmp_path / "model.json").write_text(json.dumps(fields))
    (tmp_path / "tokenizer.json").write_bytes((run[0] / "tokenizer.json").read_bytes())
    (tmp_path / "jax").symlink_to(run[0] / "jax")
    with pytest.raises(CheckpointError, match=r"is not the file that .* was saved with"):
        train.load(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "no-such-run"], "no-such-run is no trained run"),
        (["parity", "atention"], "no model or block 'atention'"),
        (["train", "classifier", "--out", "{out}", "--data-dir", "no-such-folder"], "no-such-folder"),
    ],
)
def test_bad_input_ends_with_a_message_and_status_2(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [word.format(out=tmp_path / "run") for word in arguments]
    with mock.patch("sys.argv", ["twinformer", *filled]), pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_parity_ends_with_status_1_where_a_twin_parts(tmp_path: Path) -> None:
    path = tmp_path / "parity.json"
    command = ["twinformer", "parity", "gelu", "--json", str(path)]
    for wrong, status in ((torch_impl.layers.gelu, 0), (torch_impl.layers.gelu_tanh, 1)):
        with (
            mock.patch("sys.argv", command),
            mock.patch.object(torch_impl.layers, "gelu", wrong),
            pytest.raises(SystemExit) as stop,
        ):
            main()
        assert stop.value.code == status
        assert json.loads(path.read_text())["passed"] is (status == 0)
