"""Convolutions: padding, strides, and kernels that are turned."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Computation

MOST = 100_000  # numbers of an output, of which the first rows are looked at where there are more


def convolutions(place: Place) -> Iterator[Computation]:
    """A part that reads images, or what has one axis of positions, and has a kernel for them."""
    kernel, bias = place.weight("kernel", "weight"), place.weight("bias", axes=1)
    axes = place.ours.ndim - 2
    if kernel is None or axes not in (1, 2) or kernel.ndim != axes + 2:
        return
    x = next((known.array for known in place.known if known.array.ndim == kernel.ndim), None)
    if x is None or set(place.weights) - {"kernel", "weight", "bias"}:
        return
    if "kernel" in place.weights:  # Flax's, with channels last
        kernel = np.moveaxis(kernel, (-1, -2), (0, 1))
    if place.channels_last:
        x = np.moveaxis(x, -1, 1)
    window = kernel.shape[2:]
    sizes = place.ours.shape[1:-1] if place.channels_last else place.ours.shape[2:]

    def compute(**settings: Any) -> np.ndarray | None:
        turned = KERNELS[str(settings["kernel"])](kernel)
        y = _convolved(x, turned, settings["stride"], settings["padding"], settings["dilation"], sizes)
        if y is None:
            return None
        if bias is not None and settings["bias"] == "added":
            y = y + bias.reshape(-1, *(1,) * axes)
        return np.moveaxis(y, 1, -1) if place.channels_last else y

    square = axes == 2 and window[0] == window[1] > 1
    alike = kernel.shape[0] == kernel.shape[1]
    yield Computation(
        compute,
        {
            "kernel": tuple(
                name
                for name in KERNELS
                if (square or "height" not in name)
                and (alike or "channels" not in name)
                and (max(window) > 1 or "flipped" not in name)
            ),
            "bias": ("added", "left out") if bias is not None else ("left out",),
            "stride": (1, 2, 3, 4, *{size for size in window if size > 4}),
            "padding": sorted(product(range(max(window)), repeat=2), key=_rarity),
            "dilation": (1, 2),
        },
        unknown=("stride", "padding", "dilation"),
        once=("padding",),
    )


def _rarity(padding: tuple[int, int]) -> tuple[bool, bool, int]:
    """Both ends alike, then one more at the end as "SAME" has it, then the rest."""
    before, behind = padding
    return before != behind, before + 1 != behind, before


KERNELS = {
    "as it is": lambda kernel: kernel,
    "with height and width exchanged": lambda kernel: kernel.swapaxes(-1, -2),
    "flipped": lambda kernel: kernel[
        (slice(None), slice(None), *(slice(None, None, -1),) * (kernel.ndim - 2))
    ],
    "with its channels exchanged": lambda kernel: kernel.swapaxes(0, 1),
}


def _convolved(
    x: np.ndarray,
    kernel: np.ndarray,
    stride: int,
    padding: tuple[int, int],
    dilation: int,
    sizes: tuple[int, ...],
) -> np.ndarray | None:
    """(batch inner ...) by (outer inner ...), which has fewer inner channels where they are in groups.

    None where the image that results has not these sizes.
    """
    axes, groups = kernel.ndim - 2, x.shape[1] // kernel.shape[1]
    if not groups or x.shape[1] % kernel.shape[1] or kernel.shape[0] % groups:
        return None
    wide = tuple(dilation * (size - 1) + 1 for size in kernel.shape[2:])
    padded = np.pad(x, ((0, 0), (0, 0), *(padding,) * axes))
    if any(length < size for length, size in zip(padded.shape[2:], wide, strict=True)):
        return None
    windows = np.lib.stride_tricks.sliding_window_view(padded, wide, axis=tuple(range(2, axes + 2)))
    steps = (
        slice(None),
        slice(None),
        *(slice(None, None, stride),) * axes,
        *(slice(None, None, dilation),) * axes,
    )
    windows = windows[steps]
    places = windows.shape[2 : 2 + axes]
    if places != sizes:
        return None
    columns = np.moveaxis(windows, 1, 1 + axes).reshape(len(x), prod(places), groups, -1)
    weights = kernel.reshape(groups, kernel.shape[0] // groups, -1)
    y = np.einsum("npgk,gok->ngop", columns, weights, optimize=True)
    return y.reshape(len(x), kernel.shape[0], *places)
