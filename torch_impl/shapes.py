"""Shapes checked at the public doors, with the axes' names. A check reads shapes alone: it costs nothing once
a program is compiled.
"""

from collections.abc import Mapping
from typing import Any


def check_shapes(sizes: Mapping[str, int], **arrays: tuple[Any, str]) -> None:
    """Hold arrays (or None) against their axes: ``check_shapes({"embed": 64}, x=(x, "batch query embed"))``.

    An axis has one size in all arrays, that of ``sizes`` where it is there. ``#`` before its name allows 1
    too, which broadcasts. Raises ValueError naming the array, its shape, the axis and both sizes.
    """
    found = {axis: (size, f"the model has {axis} {size}") for axis, size in sizes.items()}
    for name, (array, axes) in arrays.items():
        if array is None:
            continue
        shape, names = tuple(array.shape), axes.split()
        if len(shape) != len(names):
            raise ValueError(f"{name} has shape {shape}: give {len(names)} axes, ({', '.join(names)})")
        for axis, size in zip(names, shape, strict=True):
            if axis.startswith("#") and size == 1:
                continue
            known, why = found.setdefault(axis.lstrip("#"), (size, f"{name} has {axis.lstrip('#')} {size}"))
            if size != known:
                raise ValueError(f"{name} of shape {shape} has {axis.lstrip('#')} {size}, but {why}")
