"""The losses by parameters, what an exchange of feed-forward layers costs, and how alike they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from study.drawing import COLOURS, save
from study.questions.tied.settings import DIFFERENT

FILE = "tied.png"
MARKS = "os^Dvx"


def draw(record: Mapping[str, Any], out: Path) -> None:
    """Left: each run. Middle and right: the trained models whose blocks all differ, mean over the seeds."""
    figure, (losses, costs, alike) = plt.subplots(1, 3, figsize=(14.0, 4.2), layout="constrained")
    for number, name in enumerate(dict.fromkeys(run["name"] for run in record["runs"])):
        runs = [run for run in record["runs"] if run["name"] == name]
        sizes = [run["parameters"] / 1000 for run in runs]
        look: Any = {"color": COLOURS[number], "marker": MARKS[number], "linestyle": "", "label": name}
        losses.plot(sizes, [run["loss"] for run in runs], **look)
    losses.set(xlabel="thousand parameters", ylabel="nats a token, validation")
    losses.legend(fontsize=8)
    losses.grid(alpha=0.25)
    trained = [run for run in record["runs"] if run["name"] == DIFFERENT]
    _matrix(costs, np.mean([run["costs"] for run in trained], axis=0))
    costs.set_title(
        "nats more where two feed-forward layers are\nexchanged (diagonal: this one in all blocks)"
    )
    _matrix(alike, np.mean([run["alike"] for run in trained], axis=0))
    before = np.mean([run["alike_before"] for run in trained], axis=0)
    chance = before[~np.eye(len(before), dtype=bool)].mean()
    alike.set_title(f"best cosine of a neuron with those of\nanother block (before training {chance:.2f})")
    save(figure, out / FILE)


def _matrix(panel: Axes, values: np.ndarray) -> None:
    panel.imshow(values, cmap="cividis", vmin=0.0)
    middle = 0.5 * values.max()
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value < middle else "black"
        panel.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    ticks, names = range(len(values)), [str(number) for number in range(1, 1 + len(values))]
    panel.set_xticks(ticks, names)
    panel.set_yticks(ticks, names)
    panel.set(xlabel="block", ylabel="block")
