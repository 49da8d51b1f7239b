"""Comparing two records of the same computation, number by number.

A record is what one model did on one input: its output, its taps in the order in which they were
computed, and the gradients of its parameters and inputs, all as numpy arrays under the same names.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Arrays = Mapping[str, np.ndarray]
DType = Literal["float64", "float32", "bfloat16"]
CHECKS = ("forward", "tap", "input gradient", "parameter gradient")

# Largest error allowed, relative to the largest magnitude of the reference tensor: one block, whole model.
BOUNDS = {"float64": (1e-11, 1e-11), "float32": (1e-5, 1e-4)}

# Attention's key bias, as it is called in many models: "key/bias", "key_projection/bias", "k_proj.bias".
KEY_BIAS = re.compile(r"(?<![A-Za-z])(key|k)(?=(_[a-z]+)?[/.]bias$)")

# In bfloat16 a twin may be this many times as far from the float64 result as the other twin is.
BFLOAT16_FACTOR = 2.0


@dataclass
class Record:
    """Arrays by name, one dictionary for each of `CHECKS`; and the axes of the taps."""

    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=lambda: {c: {} for c in CHECKS})
    axes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """One comparison: how far apart, and how far apart it may be. Fields as in the JSON report."""

    model: str
    check: str
    name: str
    dtype: str
    max_abs_error: float
    max_rel_error: float
    bound: float
    passed: bool


def compare_records(
    model: str, reference: Record, candidate: Record, dtype: str, bound: float
) -> list[Reading]:
    """Hold a candidate's record against a reference's, in the order forward, taps, gradients.

    Errors are relative to the largest magnitude of the reference tensor. What one record has and the
    other lacks, or has in another shape, is a failed reading with infinite error.
    """
    return [
        Reading(model, check, name, dtype, absolute, relative, bound, relative <= bound)
        for check in CHECKS
        for name, (absolute, relative) in errors(reference.arrays[check], candidate.arrays[check]).items()
    ]


def errors(ours: Arrays, theirs: Arrays) -> dict[str, tuple[float, float]]:
    """By name, the largest error of ``theirs``: absolute, and relative to the largest magnitude of ``ours``.

    Infinite where one side lacks an array or has it in another shape, and relative to NaN or infinity.
    """
    found = {}
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        absolute, relative = np.inf, np.inf
        if name in ours and name in theirs and ours[name].shape == theirs[name].shape:
            with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, which fails
                absolute = float(np.abs(ours[name] - theirs[name]).max(initial=0.0))
            relative = relative_error(absolute, _magnitude(ours, name))
        found[name] = (absolute, relative)
    return found


def compare_bfloat16(model: str, exact: Record, reference: Record, candidate: Record) -> list[Reading]:
    """Hold two bfloat16 records against the float64 one: their errors within a factor of each other.

    One reading a check, over all its tensors: the root mean square of errors, each relative to the
    largest magnitude of its tensor. A single number may lie far off by luck (a ReLU on the other side of
    its kink), so tensors are not judged one by one. A reading's error is the larger of the two records'
    errors, its bound `BFLOAT16_FACTOR` times the smaller.
    """
    readings = []
    for check in CHECKS:
        truths = exact.arrays[check]
        if not truths:
            continue
        spreads = []
        for record in (reference, candidate):
            arrays = record.arrays[check]
            missing = [n for n, a in truths.items() if n not in arrays or arrays[n].shape != a.shape]
            scaled = [
                np.abs(arrays[name] - truth).ravel() / max(_magnitude(truths, name), np.finfo(float).tiny)
                for name, truth in truths.items()
                if not missing
            ]
            spreads.append(np.inf if missing else float(np.sqrt(np.square(np.concatenate(scaled)).mean())))
        low, high = sorted(spreads)
        bound = BFLOAT16_FACTOR * low
        readings.append(Reading(model, check, "all", "bfloat16", high, high, bound, high <= bound < np.inf))
    return readings


def relative_error(error: float, magnitude: float) -> float:
    """``error`` in units of ``magnitude``; zero over zero is zero, NaN is infinite."""
    if error == 0.0:
        return 0.0
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        relative = float(np.divide(error, magnitude))
    return np.inf if np.isnan(relative) else relative


def first_divergence(readings: list[Reading]) -> Reading | None:
    """The reading that shows where two models part: the first failed tap in execution order.

    Where all taps agree, the failed gradient that lies nearest to the output, as gradients flow backwards:
    the last parameter in order of declaration. None if nothing failed.
    """
    failed = [reading for reading in readings if not reading.passed]
    taps = [reading for reading in failed if reading.check == "tap"]
    gradients = [reading for reading in failed if reading.check == "parameter gradient"]
    return next(iter(taps + gradients[::-1] + failed), None)


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON can hold them: numbers that are infinite or NaN become None."""
    infinite = [name for name, v in values.items() if isinstance(v, float) and not math.isfinite(v)]
    return values | dict.fromkeys(infinite)


def is_key_bias(name: str) -> bool:
    """Whether this parameter is a bias of attention's keys, whose true gradient is zero: it shifts all scores
    of a query alike, which softmax ignores."""
    return KEY_BIAS.search(name) is not None


def _magnitude(arrays: Arrays, name: str) -> float:
    """The largest magnitude of a reference tensor.

    That of a key bias's gradient is rounding noise; the query bias's stands in.
    """
    stand_in = KEY_BIAS.sub(lambda found: {"key": "query", "k": "q"}[found[1]], name)
    return float(np.abs(arrays.get(stand_in, arrays[name])).max(initial=0.0))
