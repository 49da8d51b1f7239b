"""The curves, and where a head of each looks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from study.drawing import COLOURS, save

FILE = "weights.png"


def draw(record: Mapping[str, Any], out: Path) -> None:
    """A row a task: the loss of each function as it learns, then a head of each, trained."""
    runs = record["runs"]
    names = list(dict.fromkeys(run["name"] for run in runs))
    tasks = list(dict.fromkeys(run["task"] for run in runs))
    size: dict[str, Any] = {
        "figsize": (3.0 * (1 + len(names)) + 1.0, 3.6 * len(tasks)),
        "layout": "constrained",
    }
    figure, grid = plt.subplots(len(tasks), 1 + len(names), squeeze=False, **size)
    for (curves, *maps), task in zip(grid, tasks, strict=True):
        for run in (run for run in runs if run["task"] == task):
            label = {"label": run["name"]} if run["seed"] == 0 else {}
            colour = COLOURS[names.index(run["name"])]
            curves.plot(run["curve"]["step"], run["curve"]["loss"], color=colour, linewidth=1.2, **label)
        curves.set(xlabel="step", ylabel="nats a token", title=task)
        curves.legend(fontsize=7)
        curves.grid(alpha=0.25)
        for axes, name in zip(maps, names, strict=True):
            axes.set_axis_off()
            found = [run for run in runs if (run["task"], run["name"], run["seed"]) == (task, name, 0)]
            if found:
                _map(axes, found[0])
    save(figure, out / FILE)


def _map(axes: plt.Axes, run: Mapping[str, Any]) -> None:
    """Rows look at columns; blue is below zero."""
    weights, tokens = np.array(run["weights"]), [token.replace("$", r"\$") for token in run["tokens"]]
    largest, places = float(np.abs(weights).max()), range(len(tokens))
    axes.set_axis_on()
    axes.imshow(weights, cmap="RdBu_r", vmin=-largest, vmax=largest)
    axes.set_xticks(places, tokens, rotation=90, fontsize=6)
    axes.set_yticks(places, tokens, fontsize=6)
    axes.set_title(f"{run['name']}\n{run['head']}\nup to {largest:.2g}", fontsize=7)
