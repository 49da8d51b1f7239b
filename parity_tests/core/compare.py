"""Comparing two records of the same computation, number by number.

A record is what one model did on one input: its output, its taps in the order in which they were
computed, and the gradients of its parameters and inputs, all as numpy arrays under the same names.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Arrays = Mapping[str, np.ndarray]
DType = Literal["float64", "float32", "bfloat16"]
CHECKS = ("forward", "tap", "input gradient", "parameter gradient")

# Largest error allowed, relative to the largest magnitude of the reference tensor: one block, whole model.
BOUNDS = {"float64": (1e-11, 1e-11), "float32": (1e-5, 1e-4)}

# A gradient within so many roundings of its model's largest gradient is noise: its true value is zero.
NOISE = 64

# In bfloat16 a twin may be this many times as far from the float64 result as the other is.
BFLOAT16_FACTOR = 1.25


@dataclass
class Record:
    """Arrays by name, one dictionary for each of `CHECKS`; and the axes of the taps."""

    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=lambda: {c: {} for c in CHECKS})
    axes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """One comparison: how far apart, and how far apart it may be. Fields as in the JSON report.

    The last two are what the precision costs each twin: its own relative error from float64, where that was
    computed too.
    """

    model: str
    check: str
    name: str
    dtype: str
    max_abs_error: float
    max_rel_error: float
    bound: float
    passed: bool
    jax_from_float64: float | None = None
    torch_from_float64: float | None = None

    @property
    def ratios(self) -> tuple[float, float] | None:
        """In bfloat16, the larger twin's error over the smaller's, and what it may be; 0 where none has any.

        None in other precisions.
        """
        if self.dtype != "bfloat16" or self.jax_from_float64 is None or self.torch_from_float64 is None:
            return None
        smaller = min(self.jax_from_float64, self.torch_from_float64)
        return relative_error(self.max_rel_error, smaller), relative_error(self.bound, smaller)


def compare_records(
    model: str,
    reference: Record,
    candidate: Record,
    dtype: str,
    bound: float,
    exact: Record | None = None,
) -> list[Reading]:
    """Hold a candidate's record against a reference's, in the order forward, taps, gradients.

    Errors are relative to the largest magnitude of the reference tensor. What one record has and the
    other lacks, or has in another shape, is a failed reading with infinite error. With ``exact``, the float64
    record, the readings say how far JAX (the reference) and PyTorch (the candidate) are from it.
    """
    readings = []
    for check in CHECKS:
        ours, theirs = reference.arrays[check], candidate.arrays[check]
        truth = exact.arrays[check] if exact is not None else {}
        exactly = scales(check, truth, "float64")
        from_float64 = [errors(truth, arrays, exactly) if truth else {} for arrays in (ours, theirs)]
        for name, (absolute, relative) in errors(ours, theirs, scales(check, ours, dtype)).items():
            costs = [found[name][1] if name in found else None for found in from_float64]
            readings.append(
                Reading(model, check, name, dtype, absolute, relative, bound, relative <= bound, *costs)
            )
    return readings


def errors(ours: Arrays, theirs: Arrays, units: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """By name, the largest error of ``theirs``: absolute, and relative to the unit of that name.

    Infinite where one side lacks an array or has it in another shape, and relative to NaN or infinity.
    """
    found = {}
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        absolute, relative = np.inf, np.inf
        if name in ours and name in theirs and ours[name].shape == theirs[name].shape:
            with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, which fails
                absolute = float(np.abs(ours[name] - theirs[name]).max(initial=0.0))
            relative = relative_error(absolute, units[name])
        found[name] = (absolute, relative)
    return found


def magnitudes(arrays: Arrays) -> dict[str, float]:
    """The largest magnitude of each array: what its errors are relative to."""
    return {name: float(np.abs(array).max(initial=0.0)) for name, array in arrays.items()}


def scales(check: str, arrays: Arrays, dtype: str) -> dict[str, float]:
    """What the errors of a check are relative to: magnitudes, but for gradients that are rounding noise.

    Those are measured against the largest gradient. That of attention's key bias is one: the bias shifts all
    scores of a query alike, and softmax ignores that. A bias in front of a norm that takes the mean away is
    another.
    """
    own = magnitudes(arrays)
    if "gradient" not in check:
        return own
    largest = max(own.values(), default=0.0)
    noise = NOISE * float(np.finfo(dtype).eps) * largest
    return {name: magnitude if magnitude > noise else largest for name, magnitude in own.items()}


def compare_bfloat16(
    model: str, draws: Sequence[tuple[Record, Record, Record]], factor: float
) -> list[Reading]:
    """Hold bfloat16 records against float64 ones: the twins' errors within a factor of each other.

    A draw is (float64, JAX, PyTorch) on the same inputs. One reading a check, over all its tensors in all
    draws: the root mean square of errors, each relative to the largest magnitude of its tensor. A reading's
    error is the larger of the two twins', its bound ``factor`` times the smaller.

    Tensors are not judged one by one, nor draws, because few errors are independent: a ReLU that falls on the
    other side of its kink in one twin moves every gradient before it.
    """
    readings = []
    for check in CHECKS:
        if not any(exact.arrays[check] for exact, _, _ in draws):
            continue
        ours, theirs = (
            _spread(check, [(draw[0].arrays[check], draw[side].arrays[check]) for draw in draws])
            for side in (1, 2)
        )
        low, high = sorted((ours, theirs))
        bound = factor * low
        passed = high <= bound < np.inf
        readings.append(Reading(model, check, "all", "bfloat16", high, high, bound, passed, ours, theirs))
    return readings


def _spread(check: str, pairs: Sequence[tuple[Arrays, Arrays]]) -> float:
    """The root mean square of all errors of (exact, computed), each relative to its tensor's unit.

    Infinite where an array is missing, has another shape or is not finite.
    """
    total, count = 0.0, 0
    for exact, computed in pairs:
        units = scales(check, exact, "float64")
        for name, truth in exact.items():
            if name not in computed or computed[name].shape != truth.shape:
                return np.inf
            scale = max(units[name], np.finfo(float).tiny)
            with np.errstate(invalid="ignore"):
                total += float(np.square((computed[name] - truth) / scale).sum())
            count += truth.size
    return math.sqrt(total / count) if math.isfinite(total) else np.inf


def relative_error(error: float, magnitude: float) -> float:
    """``error`` in units of ``magnitude``; zero over zero is zero, NaN is infinite."""
    if error == 0.0:
        return 0.0
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        relative = float(np.divide(error, magnitude))
    return np.inf if np.isnan(relative) else relative


def first_divergence(readings: list[Reading]) -> Reading | None:
    """The reading that shows where two models part: the first failed tap in execution order.

    Where all taps agree, a failed output. Where all outputs agree too, the failed gradient that lies nearest
    to them, as gradients flow backwards: the last parameter in order of declaration. None if nothing failed.
    """
    failed = [reading for reading in readings if not reading.passed]
    taps, outputs, gradients = (
        [reading for reading in failed if reading.check == check]
        for check in ("tap", "forward", "parameter gradient")
    )
    return next(iter(taps + outputs + gradients[::-1] + failed), None)


def all_passed(readings: Sequence[Reading]) -> bool:
    """Whether there are readings, and all within their bounds: where nothing was checked, nothing passed."""
    return bool(readings) and all(reading.passed for reading in readings)


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON can hold them: numbers that are infinite or NaN become None."""
    infinite = [name for name, v in values.items() if isinstance(v, float) and not math.isfinite(v)]
    return values | dict.fromkeys(infinite)
