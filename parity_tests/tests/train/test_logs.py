"""What a run writes on the way: how it is asked for, refused, and remembered."""

import json
import sys
from pathlib import Path

import pytest

from train.loops.logs import Logging
from train.runs import digests
from train.runs.plan import read_plan
from twinformer import cli


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
