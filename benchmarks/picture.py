"""The records as bars: a row a workload, each contestant's time over that of the fastest peer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.patches import Patch

from benchmarks.contestants import ENTRIES
from benchmarks.figures import seconds

OURS = ("jax", "torch")
# Which people with any colour vision can tell apart (Okabe and Ito 2008); hatched where two are of one hue.
LOOKS: dict[str, dict[str, Any]] = {
    "jax": {"color": "#d55e00"},
    "torch": {"color": "#e69f00"},
    "hf-torch": {"color": "#56b4e9"},
    "hf-torch-compiled": {"color": "#0072b2"},
    "plain-torch": {"color": "#009e73"},
    "torch-encoder": {"color": "#cc79a7"},
    "nnx": {"color": "#666666"},
    "keras-hub": {"color": "#000000"},
}
MOST = 4.0  # times the fastest peer that there is room for


def draw(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Bars in the order of `ENTRIES`; one that is longer than there is room for says its length."""
    figure, panels = plt.subplots(
        len(records),
        1,
        figsize=(9.0, 0.8 + 1.25 * len(records)),
        layout="constrained",
        sharex=True,
        squeeze=False,
    )
    for panel, record in zip(panels[:, 0], records, strict=True):
        times = relative(record)
        names = [name for name in ENTRIES if name in times]
        for place, name in enumerate(names):
            panel.barh(place, min(times[name], MOST), **LOOKS[name])
            panel.text(min(times[name], MOST) + 0.02, place, f"{times[name]:.2f}", fontsize=7, va="center")
        panel.axvline(1.0, color="black", linewidth=0.8, linestyle="--")
        panel.set(ylim=(len(names) - 0.4, -0.6), yticks=[], xlim=(0.0, MOST + 0.3))
        panel.set_ylabel(record["workload"]["name"], rotation=0, ha="right", va="center")
    panels[-1, 0].set_xlabel("time of a step over that of the fastest peer (shorter is faster)")
    there = [name for name in ENTRIES if any(name in record["contestants"] for record in records)]
    patches = [Patch(label=ENTRIES[name].title, **LOOKS[name]) for name in there]
    figure.legend(handles=patches, loc="outside upper center", ncols=3, fontsize=8)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def relative(record: Mapping[str, Any]) -> dict[str, float]:
    """Median times over the least of the peers'; over the least of all where there is no peer."""
    times = {name: median(seconds(facts)) for name, facts in record["contestants"].items()}
    fastest = min([time for name, time in times.items() if name not in OURS] or times.values())
    return {name: time / fastest for name, time in times.items()}
