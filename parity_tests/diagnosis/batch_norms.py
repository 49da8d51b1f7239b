"""Batch norm: an affine map of each channel, from which its statistics can be read."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from parity_tests.diagnosis.norms import BIASES, EPS, SCALES
from parity_tests.diagnosis.place import Place, same
from parity_tests.diagnosis.search import Computation, Difference, Explanation, explanations

RUNNING = "the running ones"
# What shows is the sum with the variance, so that of the constant only the difference is known.
EXCHANGED: Sequence[tuple[float, float] | None] = (None, *permutations(EPS[:5], 2))


class Statistics(NamedTuple):
    """By channel. ``spread`` is variance + eps."""

    mean: np.ndarray
    spread: np.ndarray


def batch_norms(place: Place) -> list[Explanation]:
    """A part that maps each channel of what it reads by a factor and a shift."""
    if not place.reads or place.reads[0].shape != place.ours.shape or place.ours.ndim < 2:
        return []
    if any(array.ndim != 1 for array in place.weights.values()):
        return []
    axis = place.ours.ndim - 1 if place.channels_last else 1
    x, ours = (_by_channel(array, axis) for array in (place.reads[0], place.ours))
    scale, bias = place.weight(*SCALES, axes=1), place.weight(*BIASES, axes=1)
    factor = np.ones(len(x)) if scale is None else scale
    shift = np.zeros(len(x)) if bias is None else bias
    if factor.shape != x.shape[:1] or shift.shape != x.shape[:1]:
        return []
    running = _read(x, ours, factor, shift, place.tolerance)
    if running is None or x.shape[1] < 3:
        return []
    statistics = {RUNNING: running, **_others(x, running)}
    factors = {"scale": factor, "1 + scale": 1 + factor, "none": np.ones(len(x)), "bias": shift}
    shifts = {"bias": shift, "none": np.zeros(len(x)), "scale": factor}

    def compute(**settings: Any) -> np.ndarray:
        mean, spread = statistics[settings["statistics"]]
        if settings["eps"] is not None:
            spread = spread + float(settings["eps"][0]) - float(settings["eps"][1])
        with np.errstate(invalid="ignore", divide="ignore"):
            normed = (x - mean[:, None]) / np.sqrt(spread)[:, None]
        y = normed * factors[settings["scale"]][:, None] + shifts[settings["bias"]][:, None]
        shape = np.moveaxis(place.ours, axis, 0).shape
        return np.moveaxis(y.reshape(shape), 0, axis)

    options = {"statistics": statistics, "eps": EXCHANGED, "scale": factors, "bias": shifts}
    found = explanations(
        Computation(compute, {name: tuple(values) for name, values in options.items()}), place
    )
    return [tuple(_told(difference) for difference in explanation) for explanation in found]


def _told(difference: Difference) -> Difference:
    return Difference("eps", *difference.theirs) if difference.what == "eps" else difference


def _by_channel(array: np.ndarray, axis: int) -> np.ndarray:
    """(channels others)."""
    return np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)


def _others(x: np.ndarray, running: Statistics) -> dict[str, Statistics]:
    """The statistics that people take in the place of the running ones."""
    found = {}
    for eps in (1e-5, 1e-3, 1e-6):
        more = f", with eps {eps:g}"
        found[f"those of this batch{more}"] = Statistics(x.mean(1), x.var(1) + eps)
        found[f"those of this batch, unbiased{more}"] = Statistics(x.mean(1), x.var(1, ddof=1) + eps)
        found[f"those of a new model (mean 0, variance 1){more}"] = Statistics(
            np.zeros(len(x)), np.full(len(x), 1 + eps)
        )
        found[f"the running ones, mean and variance exchanged{more}"] = Statistics(
            running.spread - eps, running.mean + eps
        )
    return found


def _read(
    x: np.ndarray, y: np.ndarray, factor: np.ndarray, shift: np.ndarray, tolerance: float
) -> Statistics | None:
    """The statistics with which x becomes y; None where no such map does it."""
    low, high = x.argmin(1)[:, None], x.argmax(1)[:, None]
    (x0, x1), (y0, y1) = (
        (np.take_along_axis(array, low, 1), np.take_along_axis(array, high, 1)) for array in (x, y)
    )
    if np.any(x0 == x1):
        return None
    slope = (y1 - y0) / (x1 - x0)
    if not same(y0 + slope * (x - x0), y, 4 * tolerance) or np.any(slope == 0) or np.any(factor == 0):
        return None
    mean = x0 - (y0 - shift[:, None]) / slope
    return Statistics(mean[:, 0], np.square(factor / slope[:, 0]))
