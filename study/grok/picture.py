"""The record drawn: the curves with the transition marked, and the mechanism of one seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from study.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, save
from study.grok.milestones import TEST_95, TRAIN

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
    for panel in panels[:2]:
        _mark(panel, {name: spreads[name]["median"] for name in (TRAIN, TEST_95)})
    panels[0].set_ylabel("accuracy")
    panels[0].set_title(f"seeds: {1 + max(run['seed'] for run in seeds)}; the medians marked", pad=26)
    panels[0].legend(fontsize=8, loc="upper left")
    panels[1].set_ylabel("loss (nats)")
    panels[1].set_title("their losses", pad=26)
    for run, colour in zip(controls, CONTROLS, strict=False):
        panels[2].plot(*over_steps(run, "test_accuracy"), color=colour, label=f"{run['name']}, test")
        panels[2].plot(*over_steps(run, "train_accuracy"), color=colour, linestyle="--", linewidth=0.8)
    if controls:
        panels[2].set(ylabel="accuracy", ylim=panels[0].get_ylim())
        panels[2].set_title("controls, one seed each (dashed: train)", pad=26)
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
    bars.set(xlabel="frequency", ylabel="norm in the embedding")
    bars.set_title("key frequencies, at the end", pad=26)
    losses.semilogy(*over_steps(run, "train_loss"), color=BLUE, label="train")
    losses.semilogy(*over_steps(run, "test_loss"), color=ORANGE, label="test")
    losses.semilogy(*over_steps(run, "restricted_loss"), color=GREEN, label="restricted: key waves alone")
    losses.semilogy(
        waves["excluded"]["step"][1:],
        waves["excluded"]["loss"][1:],
        color=PURPLE,
        label="excluded: train, without key waves",
    )
    losses.set(ylabel="loss (nats)", ylim=(1e-6, None))
    losses.set_title("what the key frequencies do", pad=26)
    losses.legend(fontsize=8)
    norm.plot(*over_steps(run, "weight_norm"), color=BLUE, label="norm of the weights")
    norm.set(ylabel="norm", ylim=(0, None))
    norm.set_title("all weights, and the embedding's frequencies", pad=26)
    right = norm.twinx()
    right.plot(*over_steps(run, "gini"), color=ORANGE, label="Gini of the frequencies")
    right.set(ylabel="Gini", ylim=(0, 1))
    norm.legend(handles=[*norm.get_lines(), *right.get_lines()], fontsize=8, loc="center left")
    for panel in (losses, norm):
        _steps(panel)
        _mark(panel, {name: run["milestones"][name] for name in (TRAIN, TEST_95)})
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


def _mark(panel: Axes, milestones: Mapping[str, float | None]) -> None:
    """A line where each milestone is reached, named above the panel."""
    for (name, step), colour in zip(milestones.items(), SPLITS.values(), strict=True):
        if step is not None:
            panel.axvline(step, color=colour, linestyle="--", linewidth=0.9)
            above: Any = {"ha": "center", "va": "bottom", "transform": panel.get_xaxis_transform()}
            panel.text(step, 1.01, f"{name}\n{step:,.0f}", color=colour, fontsize=8, **above)


def _steps(panel: Axes) -> None:
    panel.set(xlabel="step", xscale="log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.grid(alpha=0.25)
