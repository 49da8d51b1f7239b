"""The question of the dense layers: what is shared, the twins, exchanges, the controls' sizes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.fit import loss_and_accuracy, trainer
from study.questions.settings import PLAIN
from study.questions.task import Rows
from study.questions.tied import torch_model
from study.questions.tied.exchange import alikeness, costs, placed
from study.questions.tied.settings import DIFFERENT, models
from study.questions.tied.study import PAIR, summary
from train.proof.preflight import ParityError
from twinformer import cli

VOCAB, POSITIONS = 31, 8
CONFIGS = models(2, VOCAB, POSITIONS)
IDS = np.random.default_rng(0).integers(0, VOCAB, (2, POSITIONS), dtype=np.int32)
ROWS = Rows(IDS, np.roll(IDS, -1, axis=1))
LINE = ["question", "tied", "--layers", "2", "--steps", "2", "--seeds", "1", "--framework", "torch"]


class MissesABlock(torch_model.TiedGPT):
    """A mistake: it has one block where there should be two."""

    def hidden(self, *arguments: Any, **named: Any) -> Any:
        self.config = CONFIGS["one layer"]
        return super().hidden(*arguments, **named)


def model(name: str, framework: Any = "torch") -> Any:
    return trainer(PAIR, {"config": CONFIGS[name]}, IDS, 0, framework, PLAIN)


def size(name: str) -> int:
    return int(sum(array.size for array in model(name).params().values()))


def test_what_is_shared_is_there_once_and_controls_are_as_small() -> None:
    sizes = {name: size(name) for name in CONFIGS}
    assert sizes["one block"] == sizes["one layer"] < sizes["one feed-forward"] < sizes[DIFFERENT]
    assert sizes["one block"] < sizes["one attention"] < sizes[DIFFERENT]
    assert abs(sizes["all different, mlp / 2"] / sizes["one feed-forward"] - 1) < 0.01


def test_a_shared_branch_is_as_different_ones_with_the_same_weights() -> None:
    one, different = model("one block"), model(DIFFERENT)
    weights = {
        name: one.params()[name.replace("s_1/", "s_0/") if "s_1/" in name else name]
        for name in different.params()
    }
    copied = type(different)(different.model, PLAIN, weights)
    np.testing.assert_array_equal(one.logits(IDS), copied.logits(IDS))
    assert (one.logits(IDS) != model("one layer").logits(IDS)).any()


def test_a_block_missing_in_one_framework_stops_before_training() -> None:
    config = CONFIGS["one feed-forward"]
    assert hold("tied", PAIR, {"ids": IDS}, {"config": config})["largest_error"] < 1e-11

    with pytest.raises(ParityError):
        hold("tied", Pair(PAIR.jax, MissesABlock), {"ids": IDS}, {"config": config})


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_an_exchange_costs_what_its_loss_is_more(framework: Any) -> None:
    each = model(DIFFERENT, framework)
    params, right = each.params(), loss_and_accuracy(each, ROWS)["loss"]
    swapped = placed(params, [1, 0])
    for name in params:
        other = name.replace("forwards_0/", "forwards_x/").replace("forwards_1/", "forwards_0/")
        assert (swapped[name] == params[other.replace("forwards_x/", "forwards_1/")]).all()
    found = costs(each, ROWS)
    exchanged = loss_and_accuracy(type(each)(each.model, PLAIN, swapped), ROWS)["loss"]
    assert found[0, 1] == found[1, 0] == pytest.approx(exchanged - right, abs=1e-6)
    assert (found != 0).all()


def test_alike_layers_are_alike_in_any_order_of_their_neurons() -> None:
    params = model(DIFFERENT).params()
    order = np.random.default_rng(0).permutation(192)
    first, second = "feed_forwards_0/feed_forward", "feed_forwards_1/feed_forward"
    assert alikeness(params, 2)[0, 1] < 0.6
    params[f"{second}/up/kernel"] = params[f"{first}/up/kernel"][:, order]
    params[f"{second}/down/kernel"] = params[f"{first}/down/kernel"][order]
    np.testing.assert_allclose(alikeness(params, 2), 1.0, rtol=1e-5)


def test_the_command_writes_a_record_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, unchecked: None
) -> None:
    monkeypatch.setattr("study.questions.tied.study.hold", lambda *anything: {"checks": 0})
    assert cli.status([*LINE, "--out", str(tmp_path / "out")]) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))
    assert len(record["runs"]) == len(summary(record)) == 6
    assert np.shape(record["runs"][0]["costs"]) == (2, 2)
    assert imread(tmp_path / "out" / "tied.png").shape[2] == 4
    assert cli.status([*LINE, "--out", str(tmp_path / "out")]) == 2
    assert "holds a record.json already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--layers", "5"], "--layers 5: a control has"), (["--layers", "1"], "--layers 1: give 2 or more")],
)
def test_what_cannot_be_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["question", "tied", *words]) == 2
    assert said in capsys.readouterr().err
