"""Rows of a converter's table: which parameters a row is of, and what their axes are.

A ``*`` of a name stands for any piece of the path and a ``#`` for a number. They are the same in both
frameworks but for "/" and "." and for how a list numbers its members: "layers_0/", "layers/0/" and
"layers.0." are one path.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

OTHER = {"flax": "torch", "torch": "flax"}


class Row(NamedTuple):
    """The names of one kind of parameter in both frameworks, and its axes in both layouts.

    ``axes`` is an einops pattern, Flax's layout on the left; lengths that no shape tells may follow it:
    "(h w c) o -> o (c h w), h=5, w=6". A name may be a tuple of names: their arrays are stacked, and the
    first axis of that side counts them. A ``#`` on one side alone stands for such a tuple, of all numbers
    that there are: "layers/up/kernel" holds what "layers.#.up.weight" are, by "layer i o -> layer o i".

    ``change`` makes the candidate's value of the reference's, which comes in the candidate's axes, by
    operations of the candidate's framework: ``lambda scale: scale + 1``. Only `pair.compare` knows a
    reference and a candidate, and takes such rows. Then the candidate's side of ``axes`` is what ``change``
    reads; of several names there, it returns a value for each. Of reference's arrays that are not of one
    shape, as of a convolution and the norm that a port folds into it, ``axes`` is a tuple, a pattern for
    each, and ``change`` has an argument for each.
    """

    flax: str | tuple[str, ...]
    torch: str | tuple[str, ...]
    axes: str | tuple[str, ...]
    change: Callable[..., Any] | None = None

    def patterns(self, framework: str) -> tuple[str, ...]:
        """The names of one side, also where it is one alone."""
        name = getattr(self, framework)
        return name if isinstance(name, tuple) else (name,)

    def names(self, framework: str, path: Iterable[str]) -> list[str]:
        """The names of one side at a path, spelled as linen or PyTorch does."""
        spelled = [*map(flax_path if framework == "flax" else torch_path, path)]
        return [fill(pattern, spelled) for pattern in self.patterns(framework)]

    def layout(self, framework: str) -> str:
        """The axes of one side; ValueError where there are not two."""
        if isinstance(self.axes, tuple):
            raise ValueError(
                f"row {self.axes!r}: several patterns are for what a `change` reads; give it one"
            )
        sides = self.axes.partition(",")[0].split("->")
        if len(sides) != 2:
            raise ValueError(f"row {self.axes!r}: write Flax's axes -> PyTorch's axes, with one arrow")
        return sides[framework == "torch"].strip()

    @property
    def lengths(self) -> dict[str, int]:
        """Those that stand behind the pattern; ValueError for what is none."""
        given = [pair.split("=") for pair in str(self.axes).split(",")[1:]]
        try:
            return {name.strip(): int(length) for name, length in given}
        except ValueError:
            raise ValueError(
                f"row {self.axes!r}: write lengths behind the pattern, as in '(h w) -> h w, h=5, w=6'"
            ) from None

    def arguments(self, target: str) -> list["Row"]:
        """What ``change`` reads, a row for each argument: one array on the side ``target``, and no change."""
        made: dict[str, Any] = {target: self.patterns(target)[0], "change": None}
        if isinstance(self.axes, str):
            return [self._replace(**made)]
        names = self.patterns(OTHER[target])
        if len(names) != len(self.axes):
            raise ValueError(f"row of {', '.join(names)}: give a pattern for each of them, not {self.axes!r}")
        return [
            self._replace(**made | {"axes": axes, OTHER[target]: name})
            for name, axes in zip(names, self.axes, strict=True)
        ]

    def sizes(self, framework: str, shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
        """The lengths of a side's axes that its arrays do not merge, read off their shapes."""
        stacked = (len(shapes),) if isinstance(getattr(self, framework), tuple) else ()
        axes = re.findall(r"\(.*?\)|\w+", self.layout(framework))
        return {
            axis: size for axis, size in zip(axes, stacked + shapes[0], strict=False) if axis.isidentifier()
        }


def stacked(row: Row, framework: str, names: Iterable[str]) -> Row:
    """The row with a tuple of names for a ``#`` that only this side has."""
    pattern, other = (getattr(row, side) for side in (framework, OTHER[framework]))
    if isinstance(pattern, tuple) or isinstance(other, tuple) or "#" not in pattern or "#" in other:
        return row
    place = re.findall(r"[*#]", pattern).index("#")
    numbers = {int(path[place]) for name in names if (path := match(pattern, name)) is not None}
    found = tuple(pattern.replace("#", str(number)) for number in sorted(numbers))
    sides: dict[str, Any] = {framework: found}
    return row._replace(**sides) if found else row


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "(.*)").replace(r"\#", r"(\d+)"))


@cache
def match(pattern: str, name: str) -> tuple[str, ...] | None:
    """What the ``*`` and ``#`` of a pattern stand for in a name; None where it does not fit."""
    found = _expression(pattern).fullmatch(name)
    return found.groups() if found else None


def fill(pattern: str, path: Iterable[str]) -> str:
    """A pattern with its ``*`` and ``#`` filled in, one after the other."""
    pieces = iter(path)
    return re.sub(r"[*#]", lambda star: next(pieces, star[0]), pattern)


def torch_path(path: str) -> str:
    """A path as PyTorch spells it: "layers_0/norm" and "layers/0/norm" are "layers.0.norm".

    So is a tap of a part that is called again: "layers_0 (2)" is "layers.0 (2)".
    """
    return re.sub(r"_(\d+)(?=[/. ]|$)", r".\1", path).replace("/", ".")


def flax_path(path: str) -> str:
    """A path as linen spells it: "layers.0.norm" is "layers_0/norm"."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"_\1", path).replace(".", "/")
