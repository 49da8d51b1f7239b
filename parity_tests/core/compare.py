"""Comparing two traces of the same computation, number by number."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from parity_tests.core.place import place
from parity_tests.core.trace import KINDS, Arrays, Trace

DType = Literal["float64", "float32", "bfloat16"]

# Largest error allowed, relative to the largest magnitude of the reference tensor: one block, whole model.
BOUNDS = {"float64": (1e-11, 1e-11), "float32": (1e-5, 1e-4)}

# A gradient within so many roundings of its model's largest gradient is noise: its true value is zero.
NOISE = 64

# In bfloat16 a twin may be this many times as far from the float64 result as the other is.
BFLOAT16_FACTOR = 1.25


@dataclass(frozen=True)
class Check:
    """One comparison: how far apart, and how far apart it may be. Fields as in the JSON report.

    ``jax_from_float64`` and ``torch_from_float64`` are what the precision costs each twin: its own relative
    error from float64, where that was computed too.
    """

    model: str
    kind: str
    name: str
    dtype: str
    max_abs_error: float
    max_rel_error: float
    bound: float
    passed: bool
    jax_from_float64: float | None = None
    torch_from_float64: float | None = None
    at: str = ""
    """Where a failed one parts, in words; empty where one side has nothing, or has it in another shape."""

    @property
    def check(self) -> str:
        """The kind, by its name up to version 0.1."""
        return self.kind

    @property
    def ratios(self) -> tuple[float, float] | None:
        """In bfloat16, the larger twin's error over the smaller's, and what it may be; 0 where none has any.

        None in other precisions.
        """
        if self.dtype != "bfloat16" or self.jax_from_float64 is None or self.torch_from_float64 is None:
            return None
        smaller = min(self.jax_from_float64, self.torch_from_float64)
        return relative_error(self.max_rel_error, smaller), relative_error(self.bound, smaller)


def compare_traces(
    model: str,
    reference: Trace,
    candidate: Trace,
    dtype: str,
    bound: float,
    exact: Trace | None = None,
) -> list[Check]:
    """Hold a candidate's trace against a reference's, in the order forward, taps, gradients.

    Errors are relative to the largest magnitude of the reference tensor. What one record has and the
    other lacks, or has in another shape, is a failed check with infinite error. With ``exact``, the float64
    record, the checks say how far JAX (the reference) and PyTorch (the candidate) are from it.
    """
    checks = []
    for kind in KINDS:
        ours, theirs = reference.arrays[kind], candidate.arrays[kind]
        truth = exact.arrays[kind] if exact is not None else {}
        exactly = scales(kind, truth, "float64")
        from_float64 = [errors(truth, arrays, exactly) if truth else {} for arrays in (ours, theirs)]
        for name, (absolute, relative) in errors(ours, theirs, scales(kind, ours, dtype)).items():
            jax, torch = (found[name][1] if name in found else None for found in from_float64)
            passed, at = relative <= bound, ""
            if not passed and name in ours and name in theirs and ours[name].shape == theirs[name].shape:
                axes = (candidate.axes | reference.axes).get(name, "") if kind == "tap" else ""
                at = place(ours[name], theirs[name], axes, dtype)
            checks.append(Check(model, kind, name, dtype, absolute, relative, bound, passed, jax, torch, at))
    return checks


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


def scales(kind: str, arrays: Arrays, dtype: str) -> dict[str, float]:
    """What the errors of a check are relative to: magnitudes, but for gradients that are rounding noise.

    Those are measured against the largest gradient. That of attention's key bias is one: the bias shifts all
    scores of a query alike, and softmax ignores that. A bias in front of a norm that takes the mean away is
    another.
    """
    own = magnitudes(arrays)
    if "gradient" not in kind:
        return own
    largest = max(own.values(), default=0.0)
    noise = NOISE * float(np.finfo(dtype).eps) * largest
    return {name: magnitude if magnitude > noise else largest for name, magnitude in own.items()}


def compare_bfloat16(model: str, draws: Sequence[tuple[Trace, Trace, Trace]], factor: float) -> list[Check]:
    """Hold bfloat16 traces against float64 ones: the twins' errors within a factor of each other.

    A draw is (float64, JAX, PyTorch) on the same inputs. One check of each kind, over all its tensors in all
    draws: the root mean square of errors, each relative to the largest magnitude of its tensor. A check's
    error is the larger of the two twins', its bound ``factor`` times the smaller.

    Tensors are not judged one by one, nor draws, because few errors are independent: a ReLU that falls on the
    other side of its kink in one twin moves every gradient before it.
    """
    checks = []
    for kind in KINDS:
        if not any(exact.arrays[kind] for exact, _, _ in draws):
            continue
        ours, theirs = (
            _spread(kind, [(draw[0].arrays[kind], draw[side].arrays[kind]) for draw in draws])
            for side in (1, 2)
        )
        low, high = sorted((ours, theirs))
        bound = factor * low
        passed = high <= bound < np.inf
        checks.append(Check(model, kind, "all", "bfloat16", high, high, bound, passed, ours, theirs))
    return checks


def _spread(kind: str, pairs: Sequence[tuple[Arrays, Arrays]]) -> float:
    """The root mean square of all errors of (exact, computed), each relative to its tensor's unit.

    Infinite where an array is missing, has another shape or is not finite.
    """
    total, count = 0.0, 0
    for exact, computed in pairs:
        units = scales(kind, exact, "float64")
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


def first_divergence(checks: list[Check]) -> Check | None:
    """The reading that shows where two models diverge: the first failed tap in execution order.

    Where all taps agree, a failed output. Where all outputs agree too, the failed gradient that lies nearest
    to them, as gradients flow backwards: the last parameter in order of declaration. None if nothing failed.
    """
    failed = [check for check in checks if not check.passed]
    taps, outputs, gradients = (
        [check for check in failed if check.kind == kind] for kind in ("tap", "forward", "parameter gradient")
    )
    return next(iter(taps + outputs + gradients[::-1] + failed), None)


def all_passed(checks: Sequence[Check]) -> bool:
    """Whether there are checks, and all within their bounds: where nothing was checked, nothing passed."""
    return bool(checks) and all(check.passed for check in checks)


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON can hold them: numbers that are infinite or NaN become None."""
    infinite = [name for name, v in values.items() if isinstance(v, float) and not math.isfinite(v)]
    return values | dict.fromkeys(infinite)
