"""Losses by depth, and what passes through the layers of the deepest models before they are trained."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from study.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, save

FILE = "skips.png"
COLOURS = {"both": BLUE, "attention's": GREEN, "feed-forward's": PURPLE, "none": ORANGE}
MARKS = {"both": "o", "attention's": "s", "feed-forward's": "^", "none": "x"}


def draw(record: Mapping[str, Any], out: Path) -> None:
    """A row for each place of the norm: losses for both starts, then gradients and likeness by layer."""
    runs = record["runs"]
    norms, starts = (list(dict.fromkeys(run[name] for run in runs)) for name in ("norm", "start"))
    columns = len(starts) + 2
    figure, grid = plt.subplots(
        len(norms), columns, figsize=(4.1 * columns, 3.5 * len(norms)), layout="constrained", squeeze=False
    )
    for row, norm in zip(grid, norms, strict=True):
        for panel, start in zip(row, starts, strict=False):
            _losses(panel, [r for r in runs if (r["norm"], r["start"]) == (norm, start)])
            panel.axhline(record["settings"]["optimum"], color=GREY, linestyle="--", linewidth=0.9)
            panel.set_title(f"norm {norm}, weights begin as {start}")
        mine = [run for run in runs if (run["norm"], run["start"]) == (norm, starts[0])]
        deepest = [run for run in mine if run["layers"] == max(r["layers"] for r in mine)]
        _layers(row[-2], deepest, "gradients", "norm of the gradient")
        row[-2].set_yscale("log")
        _layers(row[-1], deepest, "likeness", "mean cosine of two positions")
    grid[0][0].legend(title="skip connections", fontsize=8)
    save(figure, out / FILE)


def _losses(panel: Axes, runs: list[Mapping[str, Any]]) -> None:
    for skips, colour in COLOURS.items():
        mine = [run for run in runs if run["skips"] == skips]
        if mine:
            look: Any = {"color": colour, "marker": MARKS[skips], "label": skips}
            panel.plot([run["layers"] for run in mine], [run["loss"] for run in mine], **look)
    panel.set(xlabel="layers", ylabel="nats a token", xscale="log", ylim=(1.0, math.log(10) + 0.3))
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_xticks(sorted({run["layers"] for run in runs}))
    panel.grid(alpha=0.25)


def _layers(panel: Axes, runs: list[Mapping[str, Any]], name: str, words: str) -> None:
    for run in runs:
        look: Any = {"color": COLOURS[run["skips"]], "marker": MARKS[run["skips"]], "markersize": 4}
        panel.plot(range(1, run["layers"] + 1), run[name], **look)
    panel.set(xlabel="layer", ylabel=words)
    if runs:
        panel.set_title(f"before training, norm {runs[0]['norm']}, {runs[0]['layers']} layers")
    panel.grid(alpha=0.25)
