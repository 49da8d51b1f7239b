"""Linear layers: a kernel that is transposed or in another order, a bias that is forgotten."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import permutations, product
from math import isqrt, prod
from typing import Any

import numpy as np

from parity_tests.diagnosis.attend import ROTARY, turned
from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Computation
from parity_tests.diagnosis.weights import Linear, inside_out, linear

AS_IT_IS = "as it is"
PARTS = ("query", "key", "value")


def linears(place: Place) -> Iterator[Computation]:
    """A part with one kernel, of what it reads; where that was not heard, of what came before it."""
    for item, own in product(place.known[: 1 if place.reads else 3], place.parameters):
        weights = linear(own, item.array.shape[-1])
        if weights is None or item.array.shape[-1] != weights.kernel.shape[0]:
            continue
        inner, outer = weights.kernel.shape
        rows, columns = _orders(inner, _image(place, inner)), _orders(outer)
        yield Computation(
            partial(_linear, item.array, weights, rows, columns, place.ours.shape),
            {
                "kernel": (AS_IT_IS, "transposed") if inner == outer else (AS_IT_IS,),
                "bias": ("added", "left out") if weights.bias is not None else ("left out",),
                "order of the kernel's rows": tuple(rows),
                "order of the kernel's columns": tuple(columns),
                "order of what it returns": tuple(columns),
                **(ROTARY if place.ours.ndim == 4 else {}),
            },
            unknown=("rotary positions", "rotary base") if place.ours.ndim == 4 else (),
        )


def _linear(
    x: np.ndarray,
    weights: Linear,
    rows: Mapping[str, np.ndarray],
    columns: Mapping[str, np.ndarray],
    shape: tuple[int, ...],
    **settings: Any,
) -> np.ndarray | None:
    """``rows`` and ``columns`` are orders by name; the rows of a kernel meet what it reads."""
    kernel = weights.kernel[rows[settings["order of the kernel's rows"]]]
    kernel = kernel[:, columns[settings["order of the kernel's columns"]]]
    y = weights._replace(kernel=kernel).apply(x, settings["kernel"], settings["bias"])
    if y is None or y.size != prod(shape):
        return None
    y = y[..., columns[settings["order of what it returns"]]]
    if len(shape) == 4 and y.ndim == 3 and shape[1] != y.shape[1]:  # heads are before positions
        return turned(y.reshape(*y.shape[:2], shape[1], shape[3]).swapaxes(1, 2), settings)
    return y.reshape(shape)


def _image(place: Place, count: int) -> dict[str, int]:
    """The axes of a flattened image, by name: as many channels as the nearest one has, and square."""
    for known in place.known:
        if known.array.ndim == 4:
            channels = known.array.shape[-1 if place.channels_last else 1]
            side = isqrt(count // channels)
            if channels * side * side == count:
                sizes = {"channels": channels, "height": side, "width": side}
                last = ("height", "width", "channels")
                return {axis: sizes[axis] for axis in last} if place.channels_last else sizes
    return {}


def _orders(count: int, image: Mapping[str, int] | None = None) -> dict[str, np.ndarray]:
    """Orders of so many numbers, by name: an image's axes, heads inside out, thirds exchanged."""
    numbers = np.arange(count)
    named = [(AS_IT_IS, numbers)]
    for axes in permutations(image or ()):
        if image:
            there = (
                numbers.reshape(*image.values())
                .transpose([[*image].index(axis) for axis in axes])
                .reshape(-1)
            )
            ours, theirs = " ".join(image), " ".join(axes)
            named += [(f"({ours}) for ({theirs})", there), (f"({theirs}) for ({ours})", np.argsort(there))]
    for heads in range(2, count):
        if count % heads == 0:
            name = f"(head_dim heads) for (heads head_dim) of {heads} heads"
            named.append((name, inside_out(count, count // heads)))
    for thirds in permutations(range(3)) if count % 3 == 0 else ():
        name = f"{', '.join(PARTS[third] for third in thirds)} for {', '.join(PARTS)}"
        named.append((name, numbers.reshape(3, -1)[list(thirds)].reshape(-1)))
    found: dict[str, np.ndarray] = {}
    for name, order in named:
        if not any(np.array_equal(order, other) for other in found.values()):
            found[name] = order
    return found
