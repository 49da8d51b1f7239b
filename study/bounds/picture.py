"""Each defect's error, as other projects' tests see it and as our comparison does."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from study.drawing import BLUE, GREY, ORANGE, save

FIELD, OURS = (1e-8, 1e1), (1e-17, 1e2)  # the errors that there is room for


def draw(found: Mapping[str, Any], path: Path) -> None:
    """A row a defect. Left: what is seen of it in the outputs; right: what our comparison sees."""
    defects = found["defects"]
    height = 1.9 + 0.18 * len(defects)
    figure, (field, ours) = plt.subplots(
        1, 2, figsize=(11.0, height), layout="constrained", sharey=True, width_ratios=(3, 2)
    )
    _errors(field, defects, BLUE, FIELD, "with it: float32, outputs")
    cosines = [rule["unnoticed"] for rule in found["rules"] if "least" in rule]
    ringed = [row for row, one in enumerate(defects) if any(one["name"] in names for names in cosines)]
    errors = [defects[row]["injected"] for row in ringed]
    field.scatter(errors, ringed, 60, facecolors="none", edgecolors=BLUE, label="a cosine lets it pass")
    for atol, projects in _tolerances(found).items():
        field.axvline(atol, color="black", linestyle="--", linewidth=0.9)
        above: Any = {"rotation": 25, "va": "bottom", "transform": field.get_xaxis_transform()}
        field.text(atol, 1.005, f"{atol:g}: {', '.join(projects)}", fontsize=7, **above)
    field.set(xlabel="largest error of an output, absolute")
    field.set_yticks(range(len(defects)), [one["name"] for one in defects], fontsize=7)
    _errors(ours, [one["ours"] for one in defects], ORANGE, OURS, "with it: float64, all tensors")
    bounds = [one["ours"]["bound"] for one in defects]
    ours.plot(bounds, range(len(defects)), "|", color="black", label="our bound")
    ours.set(xlabel="error where it is found, relative")
    both = [panel.get_legend_handles_labels() for panel in (field, ours)]
    looks = {label: look for looks, labels in both for look, label in zip(looks, labels, strict=True)}
    figure.legend(looks.values(), looks, loc="outside lower center", ncols=len(looks), fontsize=7)
    save(figure, path)


def _errors(
    panel: Axes, rows: Sequence[Mapping[str, Any]], colour: str, room: tuple[float, float], label: str
) -> None:
    """Two dots a row, without the defect and with it.

    At the left edge is what is smaller than there is room for, at the right what has no number: one side
    lacks it.
    """
    looks: dict[str, Any] = {
        "healthy": {"color": GREY, "markersize": 3, "label": "without the defect"},
        "injected": {"color": colour, "markersize": 5, "label": label},
    }
    for name, look in looks.items():
        errors = [math.inf if row[name] is None else row[name] for row in rows]
        panel.plot([min(max(error, room[0]), room[1]) for error in errors], range(len(rows)), "o", **look)
    panel.set(xscale="log", ylim=(-0.7, len(rows) - 0.3))
    panel.grid(alpha=0.25)


def _tolerances(found: Mapping[str, Any]) -> dict[float, list[str]]:
    """By absolute tolerance, the projects that have it."""
    projects: dict[float, dict[str, None]] = {}
    for rule in found["rules"]:
        if "atol" in rule:
            projects.setdefault(rule["atol"], {})[rule["project"]] = None
    return {atol: list(names) for atol, names in projects.items()}
