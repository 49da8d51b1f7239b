"""The record drawn: the curves with the transition marked, and the mechanism of one seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from study.grok.milestones import TEST_95, TRAIN

# Which people with any colour vision can tell apart (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#666666"
SPLITS = {"train": BLUE, "test": ORANGE}
FRAMEWORKS = {"jax": "-", "torch": ":"}
CONTROLS = (BLUE, GREEN, PURPLE, ORANGE)


def curves(record: Mapping[str, Any], path: Path) -> None:
    """Accuracies and losses of all seeds, the medians of both milestones; the controls' test accuracies."""
    runs, name = record["runs"], record["runs"][0]["name"]
    seeds, controls = ([run for run in runs if (run["name"] == name) == same] for same in (True, False))
    figure, panels = plt.subplots(
        1, 2 + bool(controls), figsize=(5.0 * (2 + bool(controls)), 3.9), layout="constrained"
    )
    for run in seeds:
        for split, colour in SPLITS.items():
            first = {"label": f"{split}, {run['framework']}"} if run["seed"] == 0 else {}
            look = {"color": colour, "linestyle": FRAMEWORKS[run["framework"]], "linewidth": 0.9} | first
            panels[0].plot(*over_steps(run, f"{split}_accuracy"), **look)
            panels[1].semilogy(*over_steps(run, f"{split}_loss"), **look)
    (spreads, *_) = record["summary"].values()
    for milestone, colour, place in ((TRAIN, BLUE, 0.06), (TEST_95, ORANGE, 0.4)):
        median = spreads[milestone]["median"]
        if median is not None:
            for panel in panels[:2]:
                panel.axvline(median, color=colour, linestyle="--", linewidth=0.9)
            note = f" {milestone}:\n {median:,.0f} steps"
            panels[0].text(median, place, note, color=colour, fontsize=8)
    panels[0].set(ylabel="accuracy", title=f"seeds: {1 + max(run['seed'] for run in seeds)}")
    panels[0].legend(fontsize=8, loc="center right")
    panels[1].set(ylabel="loss (nats)", title="their losses")
    for run, colour in zip(controls, CONTROLS, strict=False):
        panels[2].plot(*over_steps(run, "test_accuracy"), color=colour, label=f"{run['name']}, test")
        panels[2].plot(*over_steps(run, "train_accuracy"), color=colour, linestyle="--", linewidth=0.8)
    if controls:
        panels[2].set(ylabel="accuracy", title="controls (dashed: train)", ylim=panels[0].get_ylim())
        panels[2].legend(fontsize=8)
    for panel in panels:
        _steps(panel)
    figure.suptitle(task(record))
    save(figure, path)


def mechanism(record: Mapping[str, Any], path: Path) -> None:
    """Of the first seed: the embedding's frequencies; the losses with and without them; norm and Gini."""
    run = record["runs"][0]
    waves, keys = run["waves"], set(run["waves"]["keys"])
    figure, (bars, losses, norm) = plt.subplots(1, 3, figsize=(15.0, 3.9), layout="constrained")
    numbers = range(1, len(waves["norms"]) + 1)
    bars.bar(numbers, waves["norms"], color=[ORANGE if number in keys else GREY for number in numbers])
    for number in keys:
        bars.text(number, waves["norms"][number - 1], str(number), ha="center", va="bottom", fontsize=8)
    bars.set(xlabel="frequency", ylabel="norm in the embedding", title="key frequencies, at the end")
    losses.semilogy(*over_steps(run, "train_loss"), color=BLUE, label="train")
    losses.semilogy(*over_steps(run, "test_loss"), color=ORANGE, label="test")
    losses.semilogy(*over_steps(run, "restricted_loss"), color=GREEN, label="restricted: key waves alone")
    losses.semilogy(
        waves["excluded"]["step"],
        waves["excluded"]["loss"],
        color=PURPLE,
        label="excluded: train, without key waves",
    )
    losses.set(ylabel="loss (nats)", title="what the key frequencies do", ylim=(1e-6, None))
    losses.legend(fontsize=8)
    norm.plot(*over_steps(run, "weight_norm"), color=BLUE, label="norm of all weights")
    norm.set(ylabel="norm", ylim=(0, None), title="weights")
    right = norm.twinx()
    right.plot(*over_steps(run, "gini"), color=ORANGE, label="Gini of the frequencies")
    right.set(ylabel="Gini", ylim=(0, 1))
    norm.legend(handles=[*norm.get_lines(), *right.get_lines()], fontsize=8, loc="lower right")
    for panel in (losses, norm):
        _steps(panel)
        for milestone, colour in ((TRAIN, BLUE), (TEST_95, ORANGE)):
            if run["milestones"][milestone] is not None:
                panel.axvline(run["milestones"][milestone], color=colour, linestyle="--", linewidth=0.9)
    figure.suptitle(f"{task(record)}; {run['framework']}, seed {run['seed']}")
    save(figure, path)


def task(record: Mapping[str, Any]) -> str:
    """What is learned, in words."""
    settings = record["settings"]
    sign = {"add": "+", "subtract": "−", "divide": "/"}[settings["operation"]]
    return (
        f"a {sign} b mod {settings['prime']}, {settings['fraction']:.0%} of the pairs, "
        f"weight decay {settings['weight_decay']:g}"
    )


def over_steps(run: Mapping[str, Any], column: str) -> tuple[list[float], list[float]]:
    """The steps after the first evaluation, which a logarithmic axis cannot show, and a column."""
    return run["curve"]["step"][1:], run["curve"][column][1:]


def save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _steps(panel: Axes) -> None:
    panel.set(xlabel="step", xscale="log")
    panel.grid(alpha=0.25)
