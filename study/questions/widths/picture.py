"""The loss over each width, and the singular values of Q K^T."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from study.drawing import COLOURS, save

FILE = "widths.png"
VARIED = {"head_dim": "queries and keys", "value_dim": "values", "heads": "heads that share 16"}
SMALLEST = 1e-17  # singular values below are drawn there


def draw(record: Mapping[str, Any], out: Path) -> None:
    """A row a task; a panel for what is varied, and one of the singular values over head_dim."""
    runs = record["runs"]
    tasks = list(dict.fromkeys(run["task"] for run in runs))
    size: dict[str, Any] = {"figsize": (15.0, 3.6 * len(tasks)), "layout": "constrained", "squeeze": False}
    figure, grid = plt.subplots(len(tasks), len(VARIED) + 1, **size)
    for (*panels, ranks), task in zip(grid, tasks, strict=True):
        its = [run for run in runs if run["task"] == task]
        for axes, (varied, title) in zip(panels, VARIED.items(), strict=True):
            of_it = [run for run in its if run["varied"] == varied]
            widths = sorted({run[varied] for run in of_it})
            losses = [[run["loss"] for run in of_it if run[varied] == width] for width in widths]
            axes.plot(widths, list(map(np.mean, losses)), marker="o", color=COLOURS[0])
            axes.vlines(widths, list(map(min, losses)), list(map(max, losses)), color=COLOURS[0])
            axes.set(xlabel=varied, ylabel="nats a token", title=f"{task}: {title}", xscale="log")
            axes.grid(alpha=0.25)
        shown = [run for run in its if run["varied"] == "head_dim" and run["seed"] == 0]
        for number, run in enumerate(shown):
            values = np.maximum(run["singular_values"], SMALLEST)
            label, colour = f"head_dim {run['head_dim']}", COLOURS[number % len(COLOURS)]
            ranks.plot(range(1, 1 + len(values)), values, marker=".", color=colour, label=label)
        ranks.set(xlabel="number", yscale="log", title=f"{task}: singular values of Q Kᵀ")
        ranks.legend(fontsize=7)
        ranks.grid(alpha=0.25)
    save(figure, out / FILE)
