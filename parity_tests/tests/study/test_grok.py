"""The study of grokking: one model in both frameworks, trained alike, and a command that says what it saw."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from torch.nn import functional as F

import torch_impl.optimizer
from parity_tests.core.trajectory import TRAJECTORY_BOUNDS
from parity_tests.twins.inject import patched
from study.grok import jax_side, parity, study, torch_side
from study.grok.fit import fit
from study.grok.milestones import RESTRICTED, TEST_90, TEST_95, TRAIN
from study.grok.settings import EMBED, HEADS, Settings
from study.grok.task import make_task
from study.grok.torch_model import ArithmeticTransformer
from torch_impl import attention, convert, layers
from train.proof.preflight import ParityError
from twinformer import cli

TINY = Settings(prime=11, fraction=0.8, batch=0, steps=20, every=20)
LINE = ["grok", "--prime", "11", "--fraction", "0.8", "--batch", "0", "--steps", "20"]


def silent(step: int, said: str) -> None:
    """Who watches a run, and says nothing."""


def test_both_frameworks_begin_with_the_same_weights_to_the_bit() -> None:
    for seed in (0, 7):
        ours, theirs = (side.initial_params(TINY.model(), seed) for side in (jax_side, torch_side))
        assert ours.keys() == theirs.keys()
        assert all((ours[name] == theirs[name]).all() for name in ours)
    deviations = {name: array.std() for name, array in ours.items() if array.size > 1000}
    expected = {name: 11**-0.5 if name == "head/kernel" else EMBED**-0.5 for name in deviations}
    assert deviations == pytest.approx(expected, rel=0.05)


DEFECTS = {
    "attention/weights": patched(
        attention, "masked_softmax", lambda right, scores, mask: torch.sigmoid(scores)
    ),
    "feed_forward/active": lambda: mock.patch.dict(layers.ACTIVATIONS, relu=layers.gelu),
    "attention/heads_output": patched(
        attention,
        "scaled_dot_product_attention",
        lambda right, query, key, value, *rest: right(query, key, value.flip(2), *rest),
    ),
}


@pytest.mark.parametrize("where", DEFECTS)
def test_a_mistake_in_the_model_stops_the_study_and_is_located(where: str) -> None:
    with DEFECTS[where](), pytest.raises(ParityError, match=f"at tap {where}: relative error"):
        parity.check_model(TINY)


def test_the_model_is_what_pytorchs_layers_compute() -> None:
    """Row by row, at all positions, where ours looks up what it computed once a token."""
    model, task = ArithmeticTransformer(TINY.model()), make_task(TINY, 0)
    drawn = torch_side.initial_params(TINY.model(), 3)
    convert.load(model, {name: array.astype(np.float64) for name, array in drawn.items()})
    ids = torch.from_numpy(task.ids).long()
    stock = torch.nn.MultiheadAttention(EMBED, HEADS, bias=False, batch_first=True, dtype=torch.float64)
    own, ours = model.attention, model.embeddings
    with torch.no_grad():
        stock.in_proj_weight.copy_(torch.cat([own.query.weight, own.key.weight, own.value.weight]))
        stock.out_proj.weight.copy_(own.output.weight)
        x = ours.token_embedding.weight[ids] + ours.position_embedding.weight
        x = x + stock(x, x, x, need_weights=False)[0]
        x = x + F.relu(x @ model.feed_forward.up.weight.T) @ model.feed_forward.down.weight.T
        expected = x[:, 2] @ model.head.weight.T
        np.testing.assert_allclose(model(ids), expected, atol=1e-13)


@pytest.fixture(scope="module")
def apart() -> dict[str, Any]:
    return parity.compare_training(TINY)


def test_the_first_steps_agree(apart: dict[str, Any]) -> None:
    for rows in apart.values():
        assert [row["step"] for row in rows] == [1, 10, 20]
    for row in apart["float64"]:
        assert row["loss"] < 1e-11 and row["gradient_norm"] < 1e-11 and row["parameter"] < 1e-9
    # Adam makes steps of the learning rate out of rounding, and a unit at ReLU's kink turns in one alone.
    assert apart["float32"][0]["loss"] < 1e-6 and apart["float32"][0]["gradient_norm"] < 1e-5
    assert all(row["loss"] < TRAJECTORY_BOUNDS["float32"] for row in apart["float32"])


@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    [
        (
            torch_impl.optimizer,
            "decays",
            lambda right, name, config: name.endswith("kernel") and right(name, config),
        ),
        (torch_side, "cross_entropy", lambda right, logits, labels: right(logits, labels, 0.01)),
    ],
)
def test_a_mistake_in_training_stops_the_study(owner: Any, name: str, wrong: Any) -> None:
    with (
        patched(owner, name, wrong)(),
        pytest.raises(ParityError, match=r"train apart: grok \(float64\) diverges"),
    ):
        parity.compare_training(TINY)


def test_what_generalises_does_not_with_random_labels() -> None:
    settings = replace(TINY, steps=120)
    right, drawn = (
        fit("", replace(settings, random_labels=random), 0, "torch", silent) for random in (False, True)
    )
    assert right.curve["train_accuracy"][-1] > 0.99 < drawn.curve["train_accuracy"][-1] + 0.01
    assert right.curve["test_accuracy"][-1] > 0.6 and drawn.curve["test_accuracy"][-1] < 0.25
    assert "restricted_loss" in right.curve and "restricted_loss" not in drawn.curve
    assert "excluded" in right.waves and "excluded" not in drawn.waves


def test_both_frameworks_tell_the_same_of_a_run() -> None:
    settings = replace(TINY, operation="divide", batch=8, steps=25, every=10)
    ours, theirs = (fit("", settings, 1, framework, silent) for framework in ("jax", "torch"))
    assert ours.curve["step"] == [0.0, 10.0, 20.0, 25.0] == theirs.curve["step"]
    for column, values in ours.curve.items():
        np.testing.assert_allclose(values, theirs.curve[column], rtol=1e-3, atol=1e-3)
    assert ours.waves["keys"] == theirs.waves["keys"] and ours.milestones.keys() == theirs.milestones.keys()
    assert ours.waves["excluded"]["step"] == [0.0, 10.0, 20.0, 25.0]


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    with (
        mock.patch.object(torch_side, "cross_entropy", lambda logits, labels: logits.sum() * torch.nan),
        pytest.raises(
            FloatingPointError,
            match="torch run's numbers are not finite within step 20: lower weight_decay=1",
        ),
    ):
        fit("", TINY, 0, "torch", silent)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grok") / "new" / "study"
    more = ["--every", "10", "--seeds", "2", "--framework", "torch", "--controls"]
    assert cli.status([*LINE, *more, "--out", str(out)]) == 0
    return out


def test_the_command_leaves_a_record(done: Path) -> None:
    record = json.loads((done / "record.json").read_text("utf-8"))
    assert record["command"].startswith(f"twinformer {' '.join(LINE)} --every 10 --seeds 2 --framework torch")
    assert record["settings"]["prime"] == 11 and record["settings"]["steps"] == 20
    assert {"jax", "torch", "numpy"} <= record["versions"].keys() and "cores" in record["machine"]
    assert record["parity"]["checks"] == 25 and record["parity"]["largest_error"] < 1e-13
    controls = ["weight decay 0", "random labels", "weight decay 0.005", "weight decay 0.05"]
    runs = [(run["name"], run["seed"]) for run in record["runs"]]
    assert runs == [("seeds", 0), ("seeds", 1), *((name, 0) for name in controls)]
    asked = [(run["settings"]["weight_decay"], run["settings"]["steps"]) for run in record["runs"]]
    assert asked == [(1.0, 20), (1.0, 20), (0.0, 20), (1.0, 20), (0.005, 100), (0.05, 100)]
    assert [run["settings"]["random_labels"] for run in record["runs"]] == [False] * 3 + [True] + [False] * 2
    for run in record["runs"]:
        assert {len(column) for column in run["curve"].values()} == {3} and len(run["waves"]["norms"]) == 5
        assert run["curve"]["step"][-1] == run["settings"]["steps"]
    spread = record["summary"]["torch"]
    assert spread[TRAIN] == {"median": None, "least": None, "most": None}
    assert {TEST_90, TEST_95, RESTRICTED} <= spread.keys()


def test_both_frameworks_train_and_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "study"
    with mock.patch.object(parity, "check_model", lambda settings: {}):
        assert cli.status([*LINE, "--framework", "both", "--seeds", "1", "--out", str(out)]) == 0
    record = json.loads((out / "record.json").read_text("utf-8"))
    assert [run["framework"] for run in record["runs"]] == ["jax", "torch"] == list(record["summary"])
    ours, theirs = (run["curve"]["test_loss"] for run in record["runs"])
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    assert [row["step"] for row in record["trajectories"]["float64"]] == [1, 10, 20]
    assert "float64: the frameworks' losses are" in capsys.readouterr().out


def test_the_command_draws(done: Path) -> None:
    for name in ("curves.png", "mechanism.png"):
        image = imread(done / name)
        assert image.shape[1] > 1000 and image.std() > 0.05
    assert {path.name for path in done.iterdir()} == {"record.json", "curves.png", "mechanism.png"}


def test_a_record_that_is_there_is_kept(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (done / "record.json").read_bytes()
    assert cli.status([*LINE, "--out", str(done)]) == 2
    assert "holds a record.json already; give another folder" in capsys.readouterr().err
    assert (done / "record.json").read_bytes() == before


@pytest.mark.usefixtures("not_ignored")
def test_ctrl_c_keeps_the_seeds_that_are_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(name: str, settings: Settings, seed: int, *rest: Any) -> Any:
        if seed == 1:
            signal.raise_signal(signal.SIGINT)
        return fit(name, settings, seed, *rest)

    out = tmp_path / "study"
    with mock.patch.object(study, "fit", interrupted), mock.patch.object(parity, "check_model", lambda _: {}):
        assert cli.status([*LINE, "--framework", "torch", "--out", str(out)]) == 130
    assert f"interrupted; {out}/record.json holds the runs that were done" in capsys.readouterr().err
    record = json.loads((out / "record.json").read_text("utf-8"))
    assert [run["seed"] for run in record["runs"]] == [0] and (out / "curves.png").exists()
