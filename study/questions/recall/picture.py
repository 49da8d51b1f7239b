"""Steps until the symbol is recalled, by distance; the time of a token and the longest chain, by length."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from study.drawing import BLUE, ORANGE, save

FILE = "recall.png"
COLOURS = {"lstm": ORANGE, "transformer": BLUE}
MARKS = {"lstm": "s", "transformer": "o"}


def draw(record: Mapping[str, Any], out: Path) -> None:
    """A cross is a run that did not get there in the steps that it had."""
    recalled = [run for run in record["runs"] if "distance" in run]
    timed = [run for run in record["runs"] if "length" in run]
    figure, (steps, times, chains) = plt.subplots(1, 3, figsize=(14.0, 4.0), layout="constrained")
    limit = record["settings"]["steps"]
    for name, colour in COLOURS.items():
        look: Any = {"color": colour, "marker": MARKS[name], "label": name}
        mine = [run for run in recalled if run["name"] == name]
        for run in mine:
            missed = run["steps"] is None
            point: Any = {"color": colour, "marker": "x" if missed else MARKS[name], "alpha": 0.6}
            steps.scatter(run["distance"], limit if missed else run["steps"], **point)
        distances = sorted({run["distance"] for run in mine})
        medians = [
            np.median([run["steps"] or limit for run in mine if run["distance"] == n]) for n in distances
        ]
        steps.plot(distances, medians, **{**look, "marker": ""})
        lengths = [run["length"] for run in timed if run["name"] == name]
        for panel, column, scale in ((times, "seconds_a_token", 1e6), (chains, "chain", 1.0)):
            panel.plot(lengths, [scale * run[column] for run in timed if run["name"] == name], **look)
    steps.set(xlabel="tokens of noise", ylabel="steps", title="until 95 % are recalled (median of the seeds)")
    times.set(xlabel="length", ylabel="microseconds a token", title="a training step, forward and backward")
    chains.set(xlabel="length", ylabel="matrix products", title="that wait for each other", yscale="log")
    for panel in (steps, times, chains):
        panel.set_xscale("log", base=2)
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.grid(alpha=0.25)
        panel.legend(fontsize=8)
    save(figure, out / FILE)
