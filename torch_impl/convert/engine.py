"""Rows of the converter's table: which parameters a row claims, and how it rearranges them.

The ``*`` of a name stand for pieces of the path, which are the same in both frameworks but for "/" and "."
and for how a list numbers its members: "layers_0/", "layers/0/" and "layers.0." are one path.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from einops import EinopsError, rearrange

OTHER = {"flax": "torch", "torch": "flax"}


class Row(NamedTuple):
    """The names of one kind of parameter in both frameworks, and its axes in both layouts.

    ``axes`` is an einops pattern, Flax's layout on the left. A name may be a tuple of names: their arrays
    are stacked, and the first axis of that side counts them.
    """

    flax: str | tuple[str, ...]
    torch: str | tuple[str, ...]
    axes: str

    def patterns(self, framework: str) -> tuple[str, ...]:
        """The names of one side, also where it is one alone."""
        name = getattr(self, framework)
        return name if isinstance(name, tuple) else (name,)

    def layout(self, framework: str) -> str:
        """The axes of one side; ValueError where there are not two."""
        sides = self.axes.split("->")
        if len(sides) != 2:
            raise ValueError(f"row {self.axes!r}: write Flax's axes -> PyTorch's axes, with one arrow")
        return sides[framework == "torch"].strip()

    def sizes(self, framework: str, shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
        """The lengths of a side's axes that its arrays do not merge, read off their shapes."""
        stacked = (len(shapes),) if isinstance(getattr(self, framework), tuple) else ()
        axes = re.findall(r"\(.*?\)|\w+", self.layout(framework))
        return {
            axis: size for axis, size in zip(axes, stacked + shapes[0], strict=False) if axis.isidentifier()
        }


# Which parameters belong together: those of one row that have the same path.
Claim = tuple[Row, tuple[str, ...]]


def match(pattern: str, name: str) -> tuple[str, ...] | None:
    """What the ``*`` of a pattern stand for in a name; None where it does not fit."""
    found = re.fullmatch(re.escape(pattern).replace(r"\*", "(.*)"), name)
    return found.groups() if found else None


def torch_path(path: str) -> str:
    """A path as PyTorch spells it: "layers_0/norm" and "layers/0/norm" are "layers.0.norm".

    So is a tap of a part that is called again: "layers_0 (2)" is "layers.0 (2)".
    """
    return re.sub(r"_(\d+)(?=[/. ]|$)", r".\1", path).replace("/", ".")


def flax_path(path: str) -> str:
    """A path as linen spells it: "layers.0.norm" is "layers_0/norm"."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"_\1", path).replace(".", "/")


def fill(pattern: str, path: Iterable[str]) -> str:
    """A pattern with its ``*`` filled in, one after the other."""
    for piece in path:
        pattern = pattern.replace("*", piece, 1)
    return pattern


def claim(name: str, framework: str, table: Sequence[Row]) -> tuple[Row, str, tuple[str, ...]]:
    """The one row that claims a parameter, by which of its names, and what that one's ``*`` stand for."""
    claims = [
        (row, pattern, path)
        for row in table
        for pattern in row.patterns(framework)
        if (path := match(pattern, name)) is not None
    ]
    if len(claims) != 1:
        rows = [pattern for _, pattern, _ in claims]
        raise KeyError(
            f"{framework} parameter {name!r} is claimed by {rows or 'no row'} of the table; "
            "exactly one row must claim it"
        )
    return claims[0]


def places(names: Iterable[str], framework: str, table: Sequence[Row]) -> dict[Claim, list[str]]:
    """The parameters that belong together, in the order in which their row names them."""
    found: dict[Claim, dict[str, str]] = {}
    for name in names:
        row, pattern, path = claim(name, framework, table)
        members = found.setdefault((row, tuple(map(torch_path, path))), {})
        if pattern in members:
            raise KeyError(f"{framework} parameters {members[pattern]!r} and {name!r} have one path")
        members[pattern] = name
    for (row, path), members in found.items():
        for pattern in row.patterns(framework):
            if pattern not in members:
                spelled = flax_path if framework == "flax" else torch_path
                missing = fill(pattern, map(spelled, path))
                others = [*members.values()]
                raise KeyError(f"{framework} parameter {missing!r} is missing: a row stacks it with {others}")
    return {
        place: [members[pattern] for pattern in place[0].patterns(framework)]
        for place, members in found.items()
    }


def move(
    arrays: Mapping[str, np.ndarray], names: list[str], row: Row, framework: str, sizes: Mapping[str, int]
) -> list[np.ndarray]:
    """The arrays of one place, from the layout of ``framework`` into the other's.

    ``sizes`` has lengths of axes that the layout merges; others in it are not needed, and ignored.
    """
    other = OTHER[framework]
    source, target = row.layout(framework), row.layout(other)
    merging = re.findall(r"\w+", " ".join(re.findall(r"\((.*?)\)", source)))
    if isinstance(getattr(row, other), tuple):
        sizes = {**sizes, target.split()[0]: len(row.patterns(other))}
    merged = {axis: sizes[axis] for axis in merging if axis in sizes}
    given = [arrays[name] for name in names]
    try:
        stack = np.stack(given) if isinstance(getattr(row, framework), tuple) else given[0]
        moved = np.asarray(rearrange(stack, f"{source} -> {target}", **merged), order="C")
    except (EinopsError, ValueError) as error:
        what = ", ".join(f"{name!r} of shape {arrays[name].shape}" for name in names)
        raise ValueError(f"{what} does not fit its row {f'{source} -> {target}'!r} with {merged}") from error
    return list(moved) if isinstance(getattr(row, other), tuple) else [moved]
