"""Links as the rows of a table: those that differ by their layers' numbers alone in one, and as code."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from parity_tests.map.link import SUM, Link
from parity_tests.map.side import Names
from torch_impl.convert.row import Row

NUMBER = re.compile(r"(?<![0-9])\d+(?=[./]|$)")  # at the end of a piece of a path


@dataclass(frozen=True)
class FoundRow:
    """A row, how its change is written, and why it is not proven, empty if it is."""

    row: Row
    change: str
    unproven: str

    def __str__(self) -> str:
        """As code."""
        sides = ", ".join(map(_quoted, (self.row.flax, self.row.torch, self.row.axes)))
        comment = f"  # unproven: {self.unproven}" if self.unproven else ""
        return f"Row({sides}{', ' if self.change else ''}{self.change}),{comment}"


def rows(
    links: Sequence[Link], unproven: Mapping[int, str], reference: str, candidate: str
) -> list[FoundRow]:
    """The rows, in the order of the links.

    ``reference`` and ``candidate`` are the frameworks. Flax's names stand on the left; of two models of one
    framework, the candidate's.
    """
    groups: dict[tuple[Any, ...], list[Link]] = {}
    for number, link in enumerate(links):
        why = NUMBER.sub("#", unproven.get(number, ""))
        groups.setdefault((*_templates(link), _axes(link), link.change, why), []).append(link)
    claimed = Counter(side for ours, theirs, *_ in groups for side in (("ours", ours), ("theirs", theirs)))
    found = []
    for (ours, theirs, axes, change, why), members in groups.items():
        alone = max(claimed["ours", ours], claimed["theirs", theirs]) > 1 or len(members) == 1
        for one, other in [(link.ours, link.theirs) for link in members] if alone else [(ours, theirs)]:
            left, right, pattern = _joined(other), _joined(one), axes
            if (reference, candidate) == ("flax", "torch"):
                left, right, pattern = right, left, _flipped(axes)
            row = Row(left, right, pattern, change and change.function)
            found.append(FoundRow(row, change.code if change else "", why))
    return found


def code(found: Sequence[FoundRow]) -> str:
    """The table, to keep."""
    lines = [f"    {row}" for row in found]
    return "\n".join(["TABLE = (", *lines, ")"])


def _templates(link: Link) -> tuple[Names, Names]:
    """The names of both sides with "#" for the numbers that they begin with in common."""
    numbers = [{tuple(NUMBER.findall(name)) for name in names} for names in (link.ours, link.theirs)]
    if any(len(of_side) > 1 for of_side in numbers):  # several layers in one array
        return link.ours, link.theirs
    (one,), (other,) = numbers
    common = len([*takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))])
    if not common:
        return link.ours, link.theirs
    ours, theirs = (
        tuple(NUMBER.sub("#", name, count=common) for name in names) for names in (link.ours, link.theirs)
    )
    return ours, theirs


def _joined(names: Names) -> str | Names:
    """Several layers by "#", if these are all from the first; other names as they are."""
    if len(names) == 1:
        return names[0]
    patterns = {NUMBER.sub("#", name, count=1) for name in names}
    if len(patterns) == 1:
        (pattern,) = patterns
        if list(names) == [pattern.replace("#", str(number)) for number in range(len(names))]:
            return pattern
    return names


def _axes(link: Link) -> str:
    """The row's pattern, with lengths that no shape tells: where a change comes between, or both merge."""
    axes = str(link.order)
    left, right = axes.split(" -> ")
    merged = [{*"".join(re.findall(r"\((.*?)\)", side)).replace(" ", "")} for side in (left, right)]
    unknown = merged[0] & merged[1] if link.change is None else merged[0] | merged[1]
    lengths = [f"{letter}={link.order.parts['abcdefgh'.index(letter)]}" for letter in sorted(unknown)]
    if link.change is SUM:
        axes = f"n {left} -> n {right}"
    return ", ".join([axes, *lengths])


def _flipped(axes: str) -> str:
    pattern, *lengths = axes.split(", ")
    return ", ".join([" -> ".join(pattern.split(" -> ")[::-1]), *lengths])


def _quoted(side: str | Names) -> str:
    if isinstance(side, str):
        return f'"{side}"'
    return f"({', '.join(map(_quoted, side))})"
