"""The losses against the optimum, over the steps and over the positions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

from study.drawing import COLOURS, GREY, save

FILE = "mask.png"


def draw(record: Mapping[str, Any], out: Path) -> None:
    """Left: the loss of each run as it learns. Right: what each position costs at the end."""
    optimum, names = record["settings"]["optimum"], list(dict.fromkeys(run["name"] for run in record["runs"]))
    figure, (over_steps, over_places) = plt.subplots(1, 2, figsize=(11.0, 4.0), layout="constrained")
    for run in record["runs"]:
        look = {"color": COLOURS[names.index(run["name"])], "linewidth": 1.2}
        label = {"label": f"{run['name']}: {run['loss']:.5g}, {run['verdict']}"} if run["seed"] == 0 else {}
        over_steps.plot(run["curve"]["step"], run["curve"]["loss"], **look, **label)
        over_places.plot(range(1, 1 + len(run["by_position"])), run["by_position"], marker=".", **look)
    last, below = record["settings"]["steps"], {"ha": "right", "va": "top", "fontsize": 8}
    over_steps.axhline(optimum, color=GREY, linestyle="--", linewidth=0.9)
    over_steps.text(last, 0.97 * optimum, "½ ln 10 = 1.1513, the best without seeing ahead", **below)
    over_steps.set(
        xlabel="step", ylabel="nats a token", ylim=(0, None), title="random digits, then the same backwards"
    )
    over_steps.legend(fontsize=8)
    count = record["settings"]["count"]
    over_places.axvline(count + 0.5, color=GREY, linestyle="--", linewidth=0.9)
    over_places.set(
        xlabel="position",
        ylabel="nats",
        ylim=(0, None),
        title=f"the first {count} are random, the others follow",
    )
    over_places.xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in (over_steps, over_places):
        panel.grid(alpha=0.25)
    save(figure, out / FILE)
