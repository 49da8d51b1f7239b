"""Layer norm and RMS norm: their constant, their variance, what their scale is."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Computation, fits

EPS = (1e-5, 1e-6, 1e-12, 1e-8, 1e-3, 1e-7, 1e-9, 1e-2, 1e-4, 1e-10, 0.0)
SCALES, BIASES = ("scale", "weight", "gamma"), ("bias", "beta")


def norms(place: Place) -> Iterator[Computation]:
    """A part whose parameters, if any, are a scale and a bias, of one of the arrays that are known."""
    if any(array.ndim != 1 for array in place.weights.values()):
        return
    scale, bias = place.weight(*SCALES, axes=1), place.weight(*BIASES, axes=1)
    if scale is not None and scale.shape != place.ours.shape[-1:]:
        return
    for x in place.alike(1 if place.reads else 3):
        computation = Computation(
            partial(_norm, x.array, scale, bias),
            {
                "norm": ("layer norm", "RMS norm"),
                "eps": EPS,
                "variance": ("biased", "unbiased"),
                "scale": ("scale", "1 + scale", "none") if scale is not None else ("none",),
                "bias": ("added", "left out") if bias is not None else ("left out",),
                "place of eps": ("under the root", "outside of it"),
            },
            unknown=("norm", "eps", "variance", "scale", "bias", "place of eps"),
            solve={"eps": partial(_solved, x.array, scale, bias)},
        )
        rows, wanted = (array.reshape(-1, array.shape[-1])[:4] for array in (x.array, place.ours))
        few = replace(
            computation,
            compute=partial(_norm, rows, scale, bias),
            solve={"eps": partial(_solved, rows, scale, bias)},
        )
        if fits(few, wanted, place.tolerance):  # else none of them is, which large arrays tell late
            yield computation


def _norm(
    x: np.ndarray, scale: np.ndarray | None, bias: np.ndarray | None, /, eps: float, **settings: Any
) -> np.ndarray:
    centred, variance = _moments(x, settings["norm"], settings["variance"])
    with np.errstate(divide="ignore", invalid="ignore"):
        if settings["place of eps"] == "under the root":
            normed = centred / np.sqrt(variance + eps)
        else:
            normed = centred / (np.sqrt(variance) + eps)
    return normed * _factor(scale, settings["scale"]) + _shift(bias, settings["bias"])


def _solved(
    x: np.ndarray, scale: np.ndarray | None, bias: np.ndarray | None, target: np.ndarray, /, **settings: Any
) -> float | None:
    """The constant under the root, from the place where it can be read best."""
    centred, variance = _moments(x, settings["norm"], settings["variance"])
    centred, variance, factor = np.broadcast_arrays(centred, variance, _factor(scale, settings["scale"]))
    normed = target - _shift(bias, settings["bias"])
    at = np.unravel_index(np.abs(normed).argmax(), normed.shape)
    if not normed[at]:
        return None
    eps = float((centred[at] * factor[at] / normed[at]) ** 2 - variance[at])
    return float(f"{eps:.9g}") if 0 < eps < 1 else None


def _moments(x: np.ndarray, norm: str, variance: str) -> tuple[np.ndarray, np.ndarray]:
    centred = x - x.mean(-1, keepdims=True) if norm == "layer norm" else x
    count = x.shape[-1] - (variance == "unbiased" and x.shape[-1] > 1)
    return centred, np.square(centred).sum(-1, keepdims=True) / count


def _factor(scale: np.ndarray | None, how: str) -> np.ndarray | float:
    return 1.0 if scale is None or how == "none" else scale + 1 if how == "1 + scale" else scale


def _shift(bias: np.ndarray | None, how: str) -> np.ndarray | float:
    return bias if bias is not None and how == "added" else 0.0
