"""What the growth in a record comes to: exponents beside the expected, and where it is more than that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Quantity = Literal["time", "memory"]
QUANTITIES: tuple[Quantity, ...] = ("time", "memory")
FRAMEWORKS = {"jax": "JAX", "torch": "PyTorch"}
TITLES = {"length": "length", "embed": "width", "layers": "depth", "vocab": "vocabulary", "batch": "batch"}
BOUND = 1.25  # times the expected growth, a doubling; a softmax, which is not counted, is 1.1 over length


@dataclass(frozen=True)
class Curve:
    """A quantity a token over one axis."""

    axis: str
    framework: str
    quantity: Quantity
    """Seconds, or bytes."""
    sizes: tuple[int, ...]
    measured: tuple[float, ...]
    expected: tuple[float, ...]

    @property
    def excess(self) -> tuple[float, ...]:
        """From each size to the next: the growth over that expected, a doubling."""
        doublings = np.diff(np.log2(self.sizes))
        beyond = np.diff(np.log2(self.measured)) - np.diff(np.log2(self.expected))
        return tuple(np.exp2(beyond / doublings).tolist())


def curves(record: Mapping[str, Any]) -> list[Curve]:
    """All that a record has.

    The time expected is that of the operations at the rate of a matmul; the memory what was counted, and what
    the framework took for the smallest of models.
    """
    rate = max(max(rates["matmul"].values()) for rates in record["rates"])
    found = []
    for axis in dict.fromkeys(row["axis"] for row in record["rows"]):
        for framework in FRAMEWORKS:
            rows = [row for row in record["rows"] if (row["axis"], row["framework"]) == (axis, framework)]
            own = record["own_bytes"][framework]
            sizes = tuple(row["size"] for row in rows)
            tokens = np.array([row["tokens"] for row in rows])
            values = {
                "time": ([min(row["seconds"]) for row in rows], [row["flops"] / rate for row in rows]),
                "memory": ([row["memory_bytes"] for row in rows], [row["bytes"] + own for row in rows]),
            }
            for quantity in QUANTITIES:
                measured, expected = (tuple((each / tokens).tolist()) for each in values[quantity])
                found.append(Curve(axis, framework, quantity, sizes, measured, expected))
    return found


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """p of the power law size^p that is nearest, by least squares over the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def excesses(curves: Sequence[Curve], bound: float = BOUND) -> list[str]:
    """A line for each step from one size to the next that grows by more than the bound times the expected."""
    return [
        f"{curve.quantity} over {TITLES[curve.axis]} in {FRAMEWORKS[curve.framework]}, {first:,} to "
        f"{second:,}: {times:.2f} times the expected growth a doubling"
        for curve in curves
        for first, second, times in zip(curve.sizes, curve.sizes[1:], curve.excess, strict=False)
        if not times <= bound
    ]


def table(record: Mapping[str, Any]) -> str:
    """The exponents of what a token takes, those expected, and the largest excess, as Markdown."""
    head = [f"{quantity}: JAX (expected) | PyTorch (expected) | most" for quantity in QUANTITIES]
    lines = [f"| | {' | '.join(head)} |", f"|---|{'---:|' * 6}"]
    found = curves(record)
    for axis in dict.fromkeys(curve.axis for curve in found):
        cells = [TITLES[axis]]
        for quantity in QUANTITIES:
            both = [curve for curve in found if (curve.axis, curve.quantity) == (axis, quantity)]
            for curve in both:
                measured, expected = (exponent(curve.sizes, y) for y in (curve.measured, curve.expected))
                cells.append(f"{measured:+.2f} ({expected:+.2f})")
            cells.append(f"{max(max(curve.excess) for curve in both):.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
