"""Weights that a row makes of others by a function: what it reads, and what it makes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch_impl.convert.row import Row

Shapes = Mapping[str, tuple[int, ...]]


class Change(NamedTuple):
    """``function`` of the arrays that are called ``sources`` gives the value of each of ``names``."""

    names: tuple[str, ...]
    function: Callable[..., Any]
    sources: tuple[str, ...]

    def values(self, arrays: Sequence[Any], shapes: Shapes) -> dict[str, Any]:
        """By name. Raises ValueError for one that has not the shape of its parameter."""
        made = self.function(*arrays)
        found = dict(zip(self.names, made if len(self.names) > 1 else (made,), strict=True))
        for name, value in found.items():
            if tuple(value.shape) != shapes[name]:
                read = " and ".join(str(tuple(array.shape)) for array in arrays)
                raise ValueError(
                    f"the change of {name!r} makes shape {tuple(value.shape)} of {read}, but the parameter "
                    f"has {shapes[name]}"
                )
        return found


class Part(NamedTuple):
    """Arrays of the reference, the row that moves them, and what is made of them is called."""

    names: list[str]
    row: Row
    made: str


def read_by(row: Row, names: Sequence[str], targets: Sequence[str], target: str) -> list[Part]:
    """What the change of a row reads, an argument each; all that a row without one has."""
    if row.change is None:
        return [Part([*names], row, targets[0])]
    rows = row.arguments(target)
    if len(rows) == 1:
        return [Part([*names], rows[0], targets[0])]
    return [
        Part([name], part, f"{targets[0]} <{number}>")
        for number, (name, part) in enumerate(zip(names, rows, strict=True))
    ]
