"""Losses by depth, and what passes through the layers of the deepest models before they are trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

from study.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, save

FILE = "skips.png"
COLOURS = {"both": BLUE, "attention's": GREEN, "feed-forward's": PURPLE, "none": ORANGE}
MARKS = {"both": "o", "attention's": "s", "feed-forward's": "^", "none": "x"}
LINES = {"xavier": "-", "gpt-2": ":"}

Runs = list[Mapping[str, Any]]


def draw(record: Mapping[str, Any], out: Path) -> None:
    """A row for each place of the norm: gradients and likeness by layer, and losses by depth if trained."""
    steps, columns = record["settings"]["steps"], 3 if record["settings"]["steps"] else 2
    norms = list(dict.fromkeys(run["norm"] for run in record["runs"]))
    figure, grid = plt.subplots(
        len(norms), columns, figsize=(4.2 * columns, 3.6 * len(norms)), layout="constrained", squeeze=False
    )
    for (gradients, likeness, *losses), norm in zip(grid, norms, strict=True):
        runs = [run for run in record["runs"] if run["norm"] == norm]
        _layers(gradients, runs, "gradients", "norm of the gradient")
        gradients.set_yscale("log")
        _layers(likeness, runs, "likeness", "mean cosine of two positions")
        likeness.set_ylim(None, 1.05)
        for panel in losses:
            _losses(panel, runs)
            panel.axhline(record["settings"]["unigram"], color=GREY, linestyle="--", linewidth=0.9)
            panel.set_title(f"after {steps} steps, norm {norm}")
    grid[0][1].legend(title="skip connections kept (dotted: GPT-2's start)", fontsize=8, title_fontsize=8)
    save(figure, out / FILE)


def _losses(panel: Axes, runs: Runs) -> None:
    for start, line in LINES.items():
        for skips, colour in COLOURS.items():
            mine = [run for run in runs if (run["start"], run["skips"]) == (start, skips)]
            look: Any = {"color": colour, "marker": MARKS[skips], "linestyle": line}
            panel.plot([run["layers"] for run in mine], [run["loss"] for run in mine], **look)
    panel.set(xlabel="layers", ylabel="nats a token (dashed: looks at nothing)", xscale="log")
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_xticks(sorted({run["layers"] for run in runs}))
    panel.grid(alpha=0.25)


def _layers(panel: Axes, runs: Runs, name: str, words: str) -> None:
    deepest = max(run["layers"] for run in runs)
    for run in runs:
        if run["layers"] == deepest:
            colour, mark, line = COLOURS[run["skips"]], MARKS[run["skips"]], LINES[run["start"]]
            look: Any = {"color": colour, "marker": mark, "linestyle": line, "markersize": 4}
            label: Any = {"label": run["skips"]} if run["start"] == "xavier" else {}
            panel.plot(range(1, deepest + 1), run[name], **look, **label)
    panel.set(
        xlabel="layer", ylabel=words, title=f"before training, norm {runs[0]['norm']}, {deepest} layers"
    )
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(alpha=0.25)
