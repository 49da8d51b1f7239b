"""The families trained side by side in float64, for twenty steps; `make proof` takes a thousand."""

from pathlib import Path

import pytest
import torch

from parity_tests.core.trajectory import LOSS, NORM
from train.proof.side_by_side import trajectory
from train.proof.trajectory_report import draw_trajectories
from train.recipes import DATA

pytestmark = pytest.mark.usefixtures("unchecked")  # twenty steps of models that others check


@pytest.mark.parametrize("family", DATA)
def test_the_twins_train_alike(family: str) -> None:
    seen = []
    held = trajectory(family, 20, "float64", watch=seen.append)
    assert held.problems() == []
    assert len(seen) == len(held.step_errors) == 20
    assert held.worst([LOSS, NORM]) < 1e-12 and held.worst(held.moved) < 1e-10
    assert min(held.moved.values()) > 1e6 * held.bound


def test_a_run_that_changes_framework_is_the_same_run() -> None:
    held = trajectory("gpt", 20, "float64", 5)
    assert held.problems() == []
    assert held.worst(held.moved) < 1e-10


def test_the_picture(tmp_path: Path) -> None:
    runs = [trajectory("gpt", 20, dtype) for dtype in ("float64", "float32")]
    assert [run.problems() for run in runs] == [[], []]
    assert runs[1].worst(runs[1].moved) > 1e3 * runs[0].worst(runs[0].moved)  # it really was float32
    draw_trajectories(runs, tmp_path / "trajectories.png")
    assert (tmp_path / "trajectories.png").stat().st_size > 20_000


def test_pytorch_has_its_threads_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        trajectory("gpt", 1, "float64")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
