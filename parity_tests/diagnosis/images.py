"""What lies between convolutions: an activation, pooling, and the order in which an image is flattened."""

from collections.abc import Callable, Iterator
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np

from parity_tests.diagnosis.functions import FUNCTIONS
from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Computation


class Pooling(NamedTuple):
    kind: str
    window: int
    stride: int
    padding: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.kind} over {self.window} × {self.window}, stride {self.stride}, padding {self.padding}"


KINDS = ("max", "mean, the padding counted", "mean, the padding not counted")
POOLINGS: list[Pooling | None] = [
    None,
    *(
        Pooling(kind, window, stride, padding)
        for window, stride, padding, kind in product(
            (2, 3), (2, 1, 3), ((0, 0), (1, 1), (0, 1), (1, 0)), KINDS
        )
        if kind != KINDS[2] or padding != (0, 0)
    ),
]
WHOLE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the mean over all pixels": lambda x: x.mean((2, 3)),
    "the maximum over all pixels": lambda x: x.max((2, 3)),
    "the sum over all pixels": lambda x: x.sum((2, 3)),
}


def images(place: Place) -> Iterator[Computation]:
    """Of the nearest arrays of four axes that are known."""
    last = place.channels_last
    axes = "height width channels" if last else "channels height width"
    orders = {
        " ".join(axes.split()[axis] for axis in order): tuple(axis + 1 for axis in order)
        for order in permutations(range(3))
    }
    for item in [known for known in place.known if known.array.ndim == 4][:2]:
        if len(item.array) != len(place.ours):
            continue
        image = np.moveaxis(item.array, -1, 1) if last else item.array

        def compute(image: np.ndarray = image, **settings: Any) -> np.ndarray | None:
            pooling, flat = settings["pooling"], str(settings["flattened as"])
            if not _fits(image.shape, pooling, flat, place.ours.shape, last):
                return None
            x = _pooled(FUNCTIONS[str(settings["activation"])](image), pooling)
            if flat in WHOLE:
                return WHOLE[flat](x)
            x = np.moveaxis(x, 1, -1) if last else x
            return x if flat == "not" else x.transpose(0, *orders[flat]).reshape(len(x), -1)

        flattened = ("not",) if place.ours.ndim == 4 else (*orders, *WHOLE)
        yield Computation(
            compute,
            {"activation": tuple(FUNCTIONS), "pooling": POOLINGS, "flattened as": flattened},
            unknown=("pooling", "activation", "flattened as"),
            once=("pooling",),
        )


def _fits(shape: tuple[int, ...], pooling: object, flat: str, wanted: tuple[int, ...], last: bool) -> bool:
    """Whether the shape comes out, which is sooner said than computed."""
    batch, channels, *sizes = shape
    if isinstance(pooling, Pooling):
        sizes = [(size + sum(pooling.padding) - pooling.window) // pooling.stride + 1 for size in sizes]
    if min(sizes) < 1:
        return False
    if flat == "not":
        return wanted == ((batch, *sizes, channels) if last else (batch, channels, *sizes))
    return wanted == ((batch, channels) if flat in WHOLE else (batch, channels * sizes[0] * sizes[1]))


def _pooled(x: np.ndarray, pooling: object) -> np.ndarray:
    """Windows of (batch channels height width); those of a mean count what is padded, or do not."""
    if not isinstance(pooling, Pooling):
        return x
    if pooling.kind == "max":
        return _windows(x, pooling, -np.inf).max((-1, -2))
    sums = _windows(x, pooling, 0.0).sum((-1, -2))
    if pooling.kind == KINDS[1]:
        return sums / pooling.window**2
    return sums / _windows(np.ones_like(x), pooling, 0.0).sum((-1, -2))


def _windows(x: np.ndarray, pooling: Pooling, fill: float) -> np.ndarray:
    around = ((0, 0), (0, 0), pooling.padding, pooling.padding)
    padded = np.pad(x, around, constant_values=fill)
    size = (pooling.window, pooling.window)
    seen = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(2, 3))
    return seen[:, :, :: pooling.stride, :: pooling.stride]
