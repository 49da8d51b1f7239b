"""Pictures and tables of runs: whole steps, lines that differ, names in one piece."""

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from matplotlib import pyplot as plt
from rich.console import Console

from parity_tests.core.trajectory import LOSS, NORM, StepError, Trajectory
from train.proof.trajectory_report import draw_trajectories, print_trajectories
from train.runs.curves import draw

DTYPES = ("float64", "float32")


def trajectories(steps: int) -> list[Trajectory]:
    errors = {LOSS: 1e-16, NORM: 1e-15, "head/kernel": 1e-13}
    rows = [StepError(number, 9.0 / number, 9.0 / number, errors, 1e-2) for number in range(1, steps + 1)]
    return [Trajectory("bert_classifier", dtype, 1e-9, rows, {"head/kernel": 1.0}) for dtype in DTYPES]


def rows(steps: int) -> list[dict[str, float]]:
    return [{"step": number, "loss": 2.0, "validation_loss": 2.0} for number in range(steps)]


def panels(path: Path, steps: int, name: str) -> list[plt.Axes]:
    """What is drawn, caught before it is thrown away."""
    with mock.patch.object(plt, "close") as close:
        if name == "trajectories":
            draw_trajectories(trajectories(steps), path)
        else:
            draw({"jax": rows(steps), "torch": rows(steps)}, "run", path)
    (figure,) = close.call_args.args
    plt.close(figure)
    return figure.axes


@pytest.mark.parametrize("steps", [2, 5, 20, 1000])
@pytest.mark.parametrize("name", ["trajectories", "curves"])
def test_steps_are_whole(tmp_path: Path, name: str, steps: int) -> None:
    for panel in panels(tmp_path / "drawn.png", steps, name):
        ticks = panel.xaxis.get_major_locator()()
        assert len(ticks) >= 2 and (ticks == np.round(ticks)).all()


@pytest.mark.parametrize("name", ["trajectories", "curves"])
def test_no_two_lines_of_a_panel_look_alike(tmp_path: Path, name: str) -> None:
    for panel in panels(tmp_path / "drawn.png", 5, name):
        looks = [
            (line.get_color(), line.get_linestyle(), line.get_marker(), line.get_linewidth())
            for line in panel.lines
        ]
        assert len(set(looks)) == len(looks)
        assert all(line.get_alpha() is None for line in panel.lines)


def test_the_table_holds_names_in_one_piece_at_80_columns() -> None:
    console = Console(width=80, record=True)
    print_trajectories(trajectories(1000), console)
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert sum(line.startswith("bert_classifier ") and line.endswith("pass") for line in lines) == 2
    assert max(map(len, lines)) <= 80
