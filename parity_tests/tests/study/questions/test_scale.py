"""Scores with the division and without: what they are at the start, and that the twins are one model."""

import json
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from study.parity import hold
from study.questions.scale import study as scale_study
from study.questions.scale import torch_unscaled
from study.questions.scale.study import MODELS, NOT, UnitConfig, entropy, passed_on
from train.proof.preflight import ParityError
from twinformer import cli

CONFIG = UnitConfig(vocab=11, max_positions=6, embed=8, heads=2, head_dim=4, mlp=8, layers=1)


def test_entropy_and_what_a_softmax_passes_on() -> None:
    alike = np.tri(4) / np.arange(1, 5)[:, None]
    np.testing.assert_allclose(entropy(alike), 1.0)
    np.testing.assert_allclose(passed_on(alike), 1.0 - 1.0 / np.arange(1, 5))
    assert (entropy(np.eye(4))[1:] == 0.0).all() and (passed_on(np.eye(4)) == 0.0).all()


def test_a_mistake_in_one_twin_is_caught() -> None:
    ids = {"ids": np.arange(6, dtype=np.int32)[None]}
    assert hold(NOT, MODELS[NOT], ids, {"config": CONFIG})["largest_error"] < 1e-11
    with (
        mock.patch.object(torch_unscaled, "math", SimpleNamespace(sqrt=lambda x: x)),
        pytest.raises(ParityError, match=r"blocks.0/attention/scores"),
    ):
        hold(NOT, MODELS[NOT], ids, {"config": CONFIG})


def test_the_command_writes_a_record_and_a_picture(tmp_path: Path, unchecked: None) -> None:
    out = tmp_path / "out"
    line = ["question", "scale", "--task", "digits", "--steps", "1", "--seeds", "1", "--framework", "torch"]
    with mock.patch.object(scale_study, "hold", lambda *_: {}):
        assert cli.status([*line, "--widths", "4", "16", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"record.json", "scale.png"}
    runs = json.loads((out / "record.json").read_text("utf-8"))["runs"]
    assert len(runs) == 8
    for divided, not_divided in zip(runs[::2], runs[1::2], strict=True):
        ratio = not_divided["start"]["variance"] / divided["start"]["variance"]
        assert ratio == pytest.approx(divided["head_dim"], rel=1e-3)
        assert not_divided["start"]["entropy"] < divided["start"]["entropy"]


def test_what_cannot_be_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["question", "scale", "--widths", "0"]) == 2
    assert "give 1 or more" in capsys.readouterr().err
