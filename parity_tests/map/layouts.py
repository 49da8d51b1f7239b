"""How the axes of two arrays may lie in each other, the likeliest first."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from typing import Literal

from parity_tests.core.order import Order, orders

# Arrays of these names have what is read before what is given: Flax's kernels, unlike PyTorch's weights.
_INPUT_FIRST = re.compile(r"(^|[./_])(kernel|w|w_?\w)$")
Counted = Literal["", "ours", "theirs"]
OTHER = 1  # what a layout of the other convention weighs, in pairs of axes out of order


def layouts(
    theirs: tuple[int, ...],
    ours: tuple[int, ...],
    turned: bool,
    counted: Counted = "",
) -> list[Order]:
    """All that differ, from the candidate's shape to the reference's.

    ``turned`` says that one has what is read first and the other what is given; ``counted`` on which side the
    first axis counts arrays that are one on the other side.
    """
    found: dict[tuple[object, ...], Order] = {}
    for order in orders(theirs, ours):
        # Axes of length one may lie anywhere: no number moves.
        moved = tuple(axis for axis in order.axes if order.parts[axis] > 1)
        found.setdefault((moved, tuple(length for length in order.parts if length > 1)), order)
    return sorted(found.values(), key=lambda order: _unusual(order, turned, counted))


def flattened(
    theirs: tuple[int, ...], ours: tuple[int, ...], shapes: Iterable[tuple[int, ...]]
) -> Iterator[Order]:
    """Layouts of matrices that read what was flattened: ``shapes`` are those of what may have been.

    Both models flatten it, each in the order that it has, and no shape of a weight says so.
    """
    for shape in shapes:
        length = math.prod(shape)
        if len(theirs) == len(ours) == 2 and length in theirs and length in ours:
            place = theirs.index(length)
            parts = (*theirs[:place], *shape, *theirs[place + 1 :])
            inner = range(place, place + len(shape))
            other = next(axis for axis in range(len(parts)) if axis not in inner)
            for order in [*permutations(inner)][1:]:
                axes = (*order, other) if ours.index(length) == 0 else (other, *order)
                yield Order(theirs, parts, axes, ours)


def _unusual(order: Order, turned: bool, counted: Counted) -> int:
    """How many pairs of axes are out of the order that is usual."""
    count = len(order.parts)
    plain = [1, 0, *range(2, count)] if counted == "theirs" and len(order.ours) > 1 else [*range(count)]
    return min(
        [
            _falls(order.axes, plain) + OTHER * turned,
            *(_falls(order.axes, usual) + OTHER * (not turned) for usual in _turns(order, counted)),
        ]
    )


def _turns(order: Order, counted: Counted) -> Iterator[list[int]]:
    """What is given before what is read; of convolutions, channels before places too."""
    count = len(order.parts)
    if len(order.theirs) == len(order.ours) == count > 2 and not counted:
        yield [count - 1, count - 2, *range(count - 2)]
        return
    first, rest = ([0], [*range(1, count)]) if counted else ([], [*range(count)])
    for place in range(1, len(rest)):
        yield [*first, *rest[place:], *rest[:place]]


def _falls(axes: Sequence[int], usual: Sequence[int]) -> int:
    """The pairs of axes that stand the other way round."""
    places = [usual.index(axis) for axis in axes]
    return sum(later < earlier for at, earlier in enumerate(places) for later in places[at + 1 :])


def input_first(name: str) -> bool:
    """Whether arrays of this name have what is read before what is given, by convention."""
    return _INPUT_FIRST.search(re.sub(r"[./_]?\d+$", "", name)) is not None
