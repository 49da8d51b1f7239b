"""The picture of `benchmarks.growth`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.growth_figures import FRAMEWORKS, QUANTITIES, TITLES, curves
from study.drawing import BLUE, GREY, ORANGE, plt, save

COLOURS = {"jax": BLUE, "torch": ORANGE}
UNITS = {"time": ("µs a token", 1e6), "memory": ("KiB a token", 2**-10)}


def draw(record: Mapping[str, Any], path: Path) -> None:
    """A row a quantity, a panel an axis: both frameworks, and the expected line."""
    found = curves(record)
    axes = list(dict.fromkeys(curve.axis for curve in found))
    figure, panels = plt.subplots(
        len(QUANTITIES),
        len(axes),
        figsize=(2.6 * len(axes), 6.0),
        sharex="col",
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for curve in found:
        panel = panels[QUANTITIES.index(curve.quantity), axes.index(curve.axis)]
        _, scale = UNITS[curve.quantity]
        colour, label = COLOURS[curve.framework], FRAMEWORKS[curve.framework]
        panel.loglog(curve.sizes, [scale * y for y in curve.measured], "o-", color=colour, label=label)
        alike = curve.quantity == "time"  # is expected of both
        panel.loglog(curve.sizes, [scale * y for y in curve.expected], "--", color=GREY if alike else colour)
        panel.set_xticks(curve.sizes, [f"{size:,}" for size in curve.sizes], rotation=45)
        panel.minorticks_off()
    for row, quantity in zip(panels, QUANTITIES, strict=True):
        row[0].set_ylabel(UNITS[quantity][0])
        row[0].yaxis.set_major_formatter("{x:,.4g}")
    for panel, axis in zip(panels[-1], axes, strict=True):
        panel.set_xlabel(TITLES[axis])
    panels[0, 0].legend(fontsize=8)
    figure.suptitle(
        "A training step's time and memory a token; dashed: operations at a matmul's rate, bytes counted"
    )
    save(figure, path)
