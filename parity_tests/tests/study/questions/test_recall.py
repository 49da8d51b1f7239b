"""Recall: the task, an LSTM that is PyTorch's and Flax's own, the chain of products, the command."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
import torch
from flax import linen
from matplotlib.image import imread

from parity_tests.pair import JaxModel, Row, TorchModel, compare
from parity_tests.twins.inject import patched
from study.parity import hold
from study.questions.recall import jax_lstm, task, torch_lstm
from study.questions.recall.chain import chain
from study.questions.recall.measures import state_bytes
from study.questions.recall.settings import LSTM, TRANSFORMER, RecurrentConfig
from study.questions.recall.study import MODELS
from study.questions.task import IGNORED
from train.proof.preflight import ParityError
from twinformer import cli

SMALL = RecurrentConfig(vocab=task.VOCAB, embed=5, hidden=6)
X = {"x": np.random.default_rng(0).standard_normal((2, 7, 5))}
SIZES = ["--distances", "2", "--lengths", "5", "--steps", "25", "--seeds", "1"]
LINE = ["question", "recall", *SIZES, "--framework", "torch"]


def test_the_symbol_comes_first_and_is_asked_for_last() -> None:
    rows = task.draw(6, 9, 0, 0)
    assert rows.ids.shape == rows.labels.shape == (9, 8)
    assert (rows.labels[:, :-1] == IGNORED).all() and (rows.labels[:, -1] == rows.ids[:, 0]).all()
    assert (rows.ids[:, 0] < task.SYMBOLS).all() and (rows.ids[:, -1] == task.QUESTION).all()
    assert ((rows.ids[:, 1:-1] >= task.SYMBOLS) & (rows.ids[:, 1:-1] < task.QUESTION)).all()
    assert not (rows.ids == task.draw(6, 9, 0, 1).ids).all()


def test_our_lstm_is_pytorchs() -> None:
    """PyTorch adds a second bias, and begins no gate open: the row takes the one off, and our plus one."""
    theirs = TorchModel(torch.nn.LSTM(5, 6, batch_first=True), lambda model, x: model(x)[0])
    opened = torch.repeat_interleave(torch.tensor([0.0, 1.0, 0.0, 0.0]), 6).double()
    table = (
        Row("up/kernel", "weight_ih_l0", "i gates -> gates i"),
        Row("down/kernel", "weight_hh_l0", "h gates -> gates h"),
        Row("up/bias", ("bias_ih_l0", "bias_hh_l0"), "two g -> two g", lambda b: b.sum(0) - opened.numpy()),
    )
    assert compare(theirs, jax_lstm.LSTM(SMALL), X, table).passed
    closed = (*table[:2], table[2]._replace(change=lambda b: b.sum(0)))
    assert not compare(theirs, jax_lstm.LSTM(SMALL), X, closed).passed


def test_our_lstm_is_flaxs() -> None:
    gates = ("i", "f", "g", "o")
    # Its first state has the dtype of its parameters; JAX has no float64 where they are drawn.
    rnn, drawn = linen.RNN(linen.LSTMCell(6, param_dtype=np.float64)), linen.RNN(linen.LSTMCell(6))
    params = drawn.init(jax.random.key(0), X["x"].astype(np.float32))["params"]
    opened, biases = np.repeat([0.0, 1.0, 0.0, 0.0], 6), tuple(f"cell/h{gate}/bias" for gate in gates)
    table = (
        Row("up/kernel", tuple(f"cell/i{gate}/kernel" for gate in gates), "i (gate h) -> gate i h"),
        Row("down/kernel", tuple(f"cell/h{gate}/kernel" for gate in gates), "i (gate h) -> gate i h"),
        Row("up/bias", biases, "(gate h) -> gate h", lambda bias: bias - opened),
    )
    theirs = JaxModel(rnn, params, call=lambda model, x: model(x))
    assert compare(theirs, jax_lstm.LSTM(SMALL), X, table).passed


def test_the_twins_hold_and_a_gate_too_closed_is_caught() -> None:
    pair, _ = MODELS["lstm"]
    arguments, ids = {"config": SMALL}, task.held_out(4, 3).ids
    assert hold("lstm", pair, {"ids": ids}, arguments)["largest_error"] < 1e-11
    wrong = patched(torch, "sigmoid", lambda right, x: right(x - 1e-6))
    with wrong(), pytest.raises(ParityError, match="tap lstm"):
        hold("lstm", pair, {"ids": ids}, arguments)
    assert torch_lstm.RecurrentModel(SMALL)(torch.from_numpy(ids)).shape == (3, 6, task.VOCAB)


def test_one_waits_for_the_length_and_the_other_for_the_layers() -> None:
    lstm, transformer = (MODELS[name][0].build("jax_impl", {"config": MODELS[name][1]}) for name in MODELS)
    assert [chain(lstm, length) for length in (4, 9)] == [6, 11]  # in, once a position, out
    per_block = 6  # query, score, read, out, up, down
    assert chain(transformer, 4) == chain(transformer, 9) == 1 + per_block * TRANSFORMER.layers


def test_the_models_are_of_one_size() -> None:
    sizes = []
    for pair, config in MODELS.values():
        model = pair.build("torch_impl", {"config": config})
        sizes.append(sum(parameter.numel() for parameter in model.parameters()))
    assert abs(sizes[0] / sizes[1] - 1) < 0.1
    assert state_bytes(10) == {"lstm": 2 * LSTM.hidden * 4, "transformer": 10 * 2 * 2 * 32 * 4}


def test_the_command_writes_a_record_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, unchecked: None
) -> None:
    # What `hold` finds, a test of its own shows.
    monkeypatch.setattr("study.questions.recall.study.hold", lambda *anything: {"checks": 0})
    assert cli.status([*LINE, "--out", str(tmp_path / "out")]) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))
    recalled = [run for run in record["runs"] if "distance" in run]
    timed = [run for run in record["runs"] if "length" in run]
    assert [run["name"] for run in recalled] == [run["name"] for run in timed] == list(MODELS)
    assert all(run["steps"] is None or run["steps"] <= 25 for run in recalled)
    assert all(run["seconds_a_token"] > 0 for run in timed)
    assert imread(tmp_path / "out" / "recall.png").shape[2] == 4
    assert "bytes of state" in capsys.readouterr().out


@pytest.mark.parametrize(
    "option, value, words",
    [
        ("--lengths", "2", "give 3 or more"),
        ("--lengths", "2000", "give 1026 or less"),
        ("--steps", "0", "give 1"),
    ],
)
def test_sizes_that_cannot_be_are_refused(
    option: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.status(["question", "recall", option, value]) == 2
    assert words in capsys.readouterr().err
