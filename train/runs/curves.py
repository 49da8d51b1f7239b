"""The curves of a run: read from its metrics, measured against each other, drawn."""

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from train.runs.metrics import Rows

COLOURS = {"jax": "#1f6fb4", "torch": "#d9622b"}
STYLES = {"jax": "-", "torch": "--"}
MARKERS = {"jax": "o", "torch": "x"}


def column(rows: Rows, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps (counted from 1, as done) and values of one quantity."""
    found = [(row["step"] + 1, row[name]) for row in rows if name in row]
    steps, values = zip(*found, strict=True)
    return np.array(steps), np.array(values)


def largest_gap(one: Rows, other: Rows) -> dict[str, float]:
    """The largest distance between two runs' training losses, and the step where it is."""
    (steps, ours), (_, theirs) = column(one, "loss"), column(other, "loss")
    gap = np.abs(ours - theirs)
    worst = int(gap.argmax())
    return {"loss": float(gap[worst]), "step": int(steps[worst]), "first_step": float(gap[0])}


def draw(metrics: dict[str, Rows], title: str, path: Path) -> None:
    """Loss and accuracy over the steps; for two runs, also the gap between their losses."""
    names = [name for name in ("loss", "accuracy") if name in next(iter(metrics.values()))[0]]
    panels = len(names) + (len(metrics) == 2)
    figure, grid = plt.subplots(1, panels, figsize=(4.6 * panels, 3.6), layout="constrained", squeeze=False)
    axes = grid[0]
    for framework, rows in metrics.items():
        look = {"color": COLOURS[framework], "linestyle": STYLES[framework]}
        for panel, name in zip(axes, names, strict=False):
            steps, values = column(rows, name)
            panel.plot(steps, _smooth(values), label=f"{framework}, training", linewidth=1.2, **look)
            panel.plot(
                *column(rows, f"validation_{name}"),
                label=f"{framework}, validation",
                marker=MARKERS[framework],
                markerfacecolor="none",
                linewidth=0.6,
                **look,
            )
            panel.set(title=name if name == "accuracy" else "loss (nats)")
    axes[0].legend(fontsize=8, handlelength=3)
    axes[0].set_ylim(bottom=0)
    if len(metrics) == 2:
        (steps, ours), (_, theirs) = (column(rows, "loss") for rows in metrics.values())
        axes[-1].semilogy(steps, np.maximum(np.abs(ours - theirs), 1e-9), color="#444", linewidth=0.8)
        axes[-1].set(title="gap between the training losses (nats)")
    for panel in axes:
        over_steps(panel)
    figure.suptitle(title)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def over_steps(panel: Axes) -> None:
    """A grid, and below it whole steps."""
    panel.set(xlabel="step")
    panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    panel.grid(alpha=0.25)


def _smooth(values: np.ndarray) -> np.ndarray:
    """A running mean over a fiftieth of the run, so that single batches do not hide the course."""
    window = max(1, len(values) // 50)
    summed = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - window)
    return (summed[ends] - summed[starts]) / (ends - starts)
