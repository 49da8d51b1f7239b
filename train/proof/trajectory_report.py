"""Trajectories for people: a table of how far the twins were apart, and the picture of it."""

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from rich.console import Console
from rich.table import Table
from rich.text import Text

from parity_tests.core.trajectory import LOSS, NORM, Trajectory
from train.runs.curves import COLOURS, over_steps

SHADES = {"float64": "#2a7f4f", "float32": "#8a5fb0"}


def print_trajectories(trajectories: list[Trajectory], console: Console) -> None:
    """A table for each precision with a row for each model, then what is wrong with any."""
    for dtype in dict.fromkeys(one.dtype for one in trajectories):
        console.print(_table([one for one in trajectories if one.dtype == dtype], dtype))
    console.print(
        "a step: how far it moves the median parameter; "
        "moved: how far the whole run moves the one that moves least"
    )
    for one in trajectories:
        for problem in one.problems():
            console.print(Text(problem, style="red"))


def _table(trajectories: list[Trajectory], dtype: str) -> Table:
    steps = len(trajectories[0].step_errors)
    title = f"Trained side by side for {steps:,} steps in {dtype}: largest relative errors"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True)
    for header in ("loss fell", "loss", "gradient", "params", "bound", "a step", "moved"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("", width=4)
    for one in trajectories:
        first, last = one.losses
        errors = [one.worst([LOSS]), one.worst([NORM]), one.worst(one.moved)]
        update = float(np.median([step_error.update for step_error in one.step_errors]))
        table.add_row(
            one.name,
            f"{first:.2f} → {last:.2f}",
            *(f"{error:.1e}" for error in errors),
            f"{one.bound:.0e}",
            *(f"{distance:.1e}" for distance in (update, min(one.moved.values()))),
            Text("FAIL", style="bold red") if one.problems() else Text("pass", style="green"),
        )
    return table


def draw_trajectories(trajectories: list[Trajectory], path: Path) -> None:
    """A column a model: above, the losses of both frameworks; below, how far apart they are."""
    names = list(dict.fromkeys(one.name for one in trajectories))
    figure, grid = plt.subplots(
        2, len(names), figsize=(4.6 * len(names), 6.4), layout="constrained", squeeze=False, sharex="col"
    )
    for (above, below), name in zip(grid.T, names, strict=True):
        runs = [one for one in trajectories if one.name == name]
        steps = [step_error.step for step_error in runs[0].step_errors]
        losses = {
            "jax": [step_error.loss for step_error in runs[0].step_errors],
            "torch": [step_error.candidate_loss for step_error in runs[0].step_errors],
        }
        for (framework, values), width in zip(losses.items(), (3.0, 1.0), strict=True):  # one under the other
            above.plot(
                steps, values, COLOURS[framework], linewidth=width, label=f"{framework}, {runs[0].dtype}"
            )
        above.set(title=name, ylabel="loss (nats)", ylim=(0, None))
        above.legend(fontsize=8, handlelength=3)
        update = [step_error.update for step_error in runs[0].step_errors]
        below.semilogy(steps, update, "-.", color="#444", linewidth=1, label="one update (median parameter)")
        for one in runs:
            floor = np.finfo(one.dtype).eps / 4
            parameters = [step_error.errors[step_error.worst_parameter] for step_error in one.step_errors]
            loss = [max(step_error.errors[LOSS], floor) for step_error in one.step_errors]
            colour = SHADES[one.dtype]
            below.semilogy(steps, parameters, color=colour, linewidth=1.8, label=f"parameters, {one.dtype}")
            below.semilogy(steps, loss, "--", color=colour, linewidth=0.7, label=f"loss, {one.dtype}")
            below.axhline(one.bound, color=colour, linestyle=":", label=f"bound, {one.dtype}")
        below.set(ylabel="relative error", ylim=(1e-17, 1))
        for panel in (above, below):
            over_steps(panel)
        above.set(xlabel="")
    handles, labels = grid[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, handlelength=4)
    figure.suptitle("Trained side by side, with dropout: the losses, and how far the twins are apart")
    figure.savefig(path, dpi=130)
    plt.close(figure)
