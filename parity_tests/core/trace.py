"""A trace: what one model did on one input, as numpy arrays by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

Arrays = Mapping[str, np.ndarray]
KINDS = ("forward", "tap", "input gradient", "parameter gradient")


@dataclass
class Trace:
    """Arrays by name, one dictionary for each of `KINDS`, the taps in order of execution; and their axes.

    ``reads`` has by tap the floating arrays that the part was called with, where it is a part that is called.
    ``widened`` names parts that ask for float32 in a run in float64, and were given that.
    """

    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    axes: dict[str, str] = field(default_factory=dict)
    reads: dict[str, list[np.ndarray]] = field(default_factory=dict)
    widened: list[str] = field(default_factory=list)
