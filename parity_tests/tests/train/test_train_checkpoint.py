"""Checkpoints: bitwise through the file, and refused with a reason."""

from pathlib import Path

import numpy as np
import pytest

from train.runs import checkpoint
from train.runs.checkpoint import CheckpointError

PARAMS = {"head/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "head/bias": np.float32([1, 2, 3])}
SHAPES = {"head/kernel": (2, 3), "head/bias": (3,)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkpoint.save(tmp_path, {"params": PARAMS, "mean": PARAMS, "square": PARAMS}, {"step": 7})
    return tmp_path


def test_weights_come_back_to_the_bit(folder: Path) -> None:
    loaded = checkpoint.load(folder, SHAPES)
    assert loaded.keys() == PARAMS.keys()
    assert all((loaded[name] == PARAMS[name]).all() for name in PARAMS)
    assert not list(folder.glob("*.partial"))


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint .*train a run first"):
        checkpoint.load(tmp_path, SHAPES)


@pytest.mark.parametrize("kept", [0, 5, 100])
def test_truncated(folder: Path, kept: int) -> None:
    path = folder / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors is damaged"):
        checkpoint.load(folder, SHAPES)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (SHAPES | {"head/bias": (4,)}, r"head/bias has shape \(3,\) there, but \(4,\)"),
        (SHAPES | {"norm/scale": (2,)}, r"norm/scale has shape None there"),
        ({"head/kernel": (2, 3)}, r"head/bias has shape \(3,\) there, but None"),
    ],
)
def test_another_model(folder: Path, expected: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(folder, expected)
