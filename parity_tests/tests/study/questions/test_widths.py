"""Values with a width of their own, and scores whose rank is head_dim at most."""

import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

from study.parity import hold
from study.questions.widths import study as widths_study
from study.questions.widths import torch_widths
from study.questions.widths.study import PAIR, TwoWidthsConfig
from torch_impl.initializers import initialise
from torch_impl.random import key as random_key
from train.proof.preflight import ParityError
from twinformer import cli

CONFIG = TwoWidthsConfig(
    vocab=11, max_positions=6, embed=8, heads=2, head_dim=3, value_dim=5, mlp=8, layers=1
)


def test_values_have_their_own_width() -> None:
    attention, shapes = torch_widths.TwoWidths(CONFIG), {}
    initialise(attention, random_key(0))

    def tap(name: str, value: torch.Tensor, axes: str) -> torch.Tensor:
        shapes[name] = tuple(value.shape)
        return value

    x = torch.ones(1, 6, 8)
    attention(x, x, tap=tap)
    assert shapes["query"] == shapes["key"] == (1, 2, 6, 3)
    assert shapes["value"] == shapes["heads_output"] == (1, 2, 6, 5) and shapes["output"] == (1, 6, 8)


def test_a_mistake_in_one_twin_is_caught() -> None:
    ids = {"ids": np.arange(6, dtype=np.int32)[None]}
    assert hold("widths", PAIR, ids, {"config": CONFIG})["largest_error"] < 1e-11
    right = torch_widths.TwoWidths.value
    with (
        mock.patch.object(torch_widths.TwoWidths, "value", lambda self, x: right(self, x).flip(1)),
        pytest.raises(ParityError, match=r"blocks.0/attention/value"),
    ):
        hold("widths", PAIR, ids, {"config": CONFIG})


def test_the_command_writes_a_record_and_a_picture(tmp_path: Path, unchecked: None) -> None:
    out = tmp_path / "out"
    line = ["question", "widths", "--tasks", "digits", "--steps", "1", "--seeds", "1"]
    with mock.patch.object(widths_study, "hold", lambda *_: {}):
        assert cli.status([*line, "--widths", "1", "4", "--heads", "1", "4", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"record.json", "widths.png"}
    runs = json.loads((out / "record.json").read_text("utf-8"))["runs"]
    assert [run["varied"] for run in runs] == [*["head_dim"] * 2, *["value_dim"] * 2, *["heads"] * 2]
    for run in runs:
        rank = sum(value > 1e-6 for value in run["singular_values"])
        assert rank == min(run["head_dim"], 16)  # of 16 positions


def test_what_cannot_be_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["question", "widths", "--heads", "3"]) == 2
    assert "which divide 16" in capsys.readouterr().err
