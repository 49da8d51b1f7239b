"""All of it over head_dim."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from study.drawing import COLOURS, save

FILE = "scale.png"
PANELS = {
    "variance": "variance of the scores, at the start",
    "entropy": "entropy of the weights / log n, at the start",
    "gradient_norm": "gradient of queries and keys, at the start",
    "loss": "nats a token, trained",
}


def draw(record: Mapping[str, Any], out: Path) -> None:
    """A panel a quantity, a line for each initial deviation with the division and without."""
    runs = record["runs"]
    kinds = list(dict.fromkeys((run["kind"], run["deviation"]) for run in runs))
    figure, panels = plt.subplots(1, len(PANELS), figsize=(15.0, 3.8), layout="constrained")
    for axes, (column, title) in zip(panels, PANELS.items(), strict=True):
        for number, (kind, deviation) in enumerate(kinds):
            its = [run for run in runs if (run["kind"], run["deviation"]) == (kind, deviation)]
            widths = sorted({run["head_dim"] for run in its})
            of = [[_value(run, column) for run in its if run["head_dim"] == width] for width in widths]
            colour = COLOURS[number]
            axes.plot(widths, list(map(np.mean, of)), marker="o", color=colour, label=f"{kind}, {deviation}")
            axes.vlines(widths, list(map(min, of)), list(map(max, of)), color=colour)
        axes.set(xscale="log", xlabel="head_dim", title=title)
        axes.title.set_fontsize(9)
        if column in ("variance", "gradient_norm"):
            axes.set_yscale("log")
        axes.grid(alpha=0.25)
    panels[0].legend(fontsize=7)
    save(figure, out / FILE)


def _value(run: Mapping[str, Any], column: str) -> float:
    return run["loss"] if column == "loss" else run["start"][column]
