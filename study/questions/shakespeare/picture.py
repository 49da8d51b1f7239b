"""The losses over the steps, and what counting reaches."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

from study.drawing import BLUE, GREEN, GREY, ORANGE, save

FILE = "shakespeare.png"


def draw(record: Mapping[str, Any], out: Path) -> None:
    """Of training and validation; lines are scores on the test split."""
    (run,) = record["runs"]
    figure, panel = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    panel.plot(run["curve"]["step"], run["curve"]["loss"], color=BLUE, label="training")
    panel.plot(run["curve"]["step"], run["curve"]["validation"], color=ORANGE, label="validation")
    last = run["curve"]["step"][-1]
    for place, ((name, scores), colour) in enumerate(
        zip(run["scores"].items(), (GREEN, GREY, GREY), strict=False)
    ):
        panel.axhline(scores["nats"], color=colour, linestyle="--", linewidth=0.9)
        words: Any = {"ha": "right", "va": "top", "fontsize": 8, "color": colour}
        across = last * (1.0 - 0.25 * place)  # beside each other, where two lines are close
        panel.text(across, scores["nats"] - 0.02, f"{name}, test: {scores['nats']:.3f}", **words)
    lowest = min(scores["nats"] for scores in run["scores"].values())
    panel.set_ylim(bottom=lowest - 0.25)
    panel.set(xlabel="step", ylabel="nats a token", title="Shakespeare in words")
    panel.grid(alpha=0.25)
    panel.legend(fontsize=8)
    save(figure, out / FILE)
