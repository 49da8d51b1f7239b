"""The question of the mask: a known optimum, decoders that go below it, a trainer in both frameworks."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions import jax_side, torch_side
from study.questions.fit import loss_and_accuracy, token_losses, trainer
from study.questions.mask import digits
from study.questions.mask.study import CORRECT, MODELS, Settings
from study.questions.settings import PLAIN
from study.questions.task import IGNORED, Rows
from train.loops.schedule import rates_at
from train.proof.preflight import ParityError
from train.proof.side_by_side import precision
from twinformer import cli

DOCS = Path(__file__).parents[4] / "docs"
RECORD = json.loads((DOCS / "records" / "question-mask.json").read_text("utf-8"))
SMALL = Settings(count=3, steps=4)
LINE = ["question", "mask", "--count", "3", "--steps", "4", "--seeds", "1", "--framework", "torch"]
ROWS = digits.draw(3, 8, 0, 0)


def test_half_of_the_digits_follow_from_the_others() -> None:
    rows = digits.draw(4, 5, 0, 0)
    assert (rows.ids[:, 0] == digits.BEGIN).all() and (rows.ids[:, 1:] == rows.labels[:, :-1]).all()
    assert (rows.labels == rows.labels[:, ::-1]).all() and rows.labels.max() < digits.DIGITS
    assert not (rows.labels == digits.draw(4, 5, 0, 1).labels).all()
    counts = [np.bincount(column, minlength=10) for column in digits.held_out(10, 500).labels.T]
    assert (np.array(counts) == 50).all()
    assert len(np.unique(digits.held_out(10, 500).labels, axis=0)) == 500
    assert pytest.approx(1.1513, abs=1e-4) == digits.OPTIMUM


@pytest.mark.parametrize(
    ("shift", "expected"), [(0.0, "learned"), (0.02, "has not learned"), (-0.005, "leaks"), (-1.0, "leaks")]
)
def test_a_verdict_has_two_sides(shift: float, expected: str) -> None:
    losses = digits.OPTIMUM * (1.0 + shift) + np.resize([-0.01, 0.01], 4096)
    assert digits.verdict(losses) == expected


def test_what_lies_below_the_optimum_by_luck_is_no_leak() -> None:
    assert digits.verdict(digits.OPTIMUM - 0.001 + np.resize([-0.5, 0.5], 16)) == "learned"


@pytest.mark.parametrize("name", MODELS)
def test_what_a_position_sees(name: str) -> None:
    """The labels ahead change the losses of the leaking ones, and none of the correct one's, to the bit."""
    changed = ROWS.ids.copy()
    changed[:, 2:] = (changed[:, 2:] + 1) % digits.DIGITS
    seen = []
    for framework in ("jax", "torch"):
        model = trainer(MODELS[name], {"config": SMALL.model()}, ROWS.ids, 0, framework, PLAIN)
        seen.append(bool((model.logits(ROWS.ids)[:, :2] != model.logits(changed)[:, :2]).any()))
    assert seen == [name != CORRECT] * 2


def test_a_leak_in_one_framework_alone_stops_before_training() -> None:

    pair = Pair(MODELS[CORRECT].jax, MODELS["sees the next token"].torch)
    with pytest.raises(ParityError, match=r"weights"):
        hold("mask", pair, {"ids": ROWS.ids}, {"config": SMALL.model()})


def test_both_trainers_take_the_same_steps() -> None:
    rows = Rows(ROWS.ids, np.where(np.arange(6) < 2, IGNORED, ROWS.labels).astype(np.int32))
    pair, arguments, found = MODELS[CORRECT], {"config": SMALL.model()}, []
    with precision("float64"):
        params = jax_side.initial_params(pair.build("jax_impl", arguments), rows.ids, 0)
        params = {name: array.astype(np.float64) for name, array in params.items()}
        for package, side in (("jax_impl", jax_side), ("torch_impl", torch_side)):
            model = side.Trainer(pair.build(package, arguments), PLAIN, params)
            gradients = model.gradients(rows)
            losses, norms = model.advance([rows] * 3, [rates_at(step, 3, PLAIN) for step in range(3)])
            found.append((gradients, losses, norms, model.params(), token_losses(model, rows)))
            figures = loss_and_accuracy(model, rows)
    (left, *ours, weights, tokens), (right, *theirs, others, same) = found
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=0, atol=1e-12)
        np.testing.assert_allclose(weights[name], others[name], rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    np.testing.assert_allclose(tokens, same, rtol=1e-8)
    assert (tokens[:, :2] == 0).all() and (tokens[:, 2:] > 0).all()
    assert figures["loss"] == pytest.approx(same[:, 2:].mean())


def test_the_command_writes_a_record_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unchecked: None
) -> None:
    assert cli.status([*LINE, "--out", str(tmp_path / "out")]) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))
    assert [run["name"] for run in record["runs"]] == list(MODELS) and set(record["parity"]) == set(MODELS)
    assert imread(tmp_path / "out" / "mask.png").shape[2] == 4
    assert "1 mask" not in capsys.readouterr().out
    assert cli.status([*LINE, "--out", str(tmp_path / "out")]) == 2
    assert "holds a record.json already" in capsys.readouterr().err


def test_a_number_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["question", "mask", "--count", "0"]) == 2
    assert "--count 0: give 1 or more" in capsys.readouterr().err


def test_the_record_says_what_the_question_asks() -> None:
    """Within 1 % and never below under the correct mask; below with each leak."""
    for run in RECORD["runs"]:
        if run["name"] == CORRECT:
            assert run["verdict"] == "learned"
            assert min(run["loss"], *run["curve"]["loss"]) / digits.OPTIMUM >= 1.0
            assert run["loss"] / digits.OPTIMUM < 1.01
        else:
            assert run["verdict"] == "leaks" and run["loss"] < 0.5 * digits.OPTIMUM
    assert {run["name"] for run in RECORD["runs"]} == set(MODELS)
    assert max(held["largest_error"] for held in RECORD["parity"].values()) < 1e-11
