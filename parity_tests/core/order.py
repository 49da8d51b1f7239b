"""How the axes of one array lie in another that has the same numbers: permuted, merged, or split.

Convolutions have their channels first in PyTorch and last in Flax; heads are apart in one port and merged in
another. Which of two axes of one length is which, the numbers say.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from parity_tests.core.compare import relative_error

MOST_AXES = 6  # whose orders are tried
# Channels last to first, and first to last, of what convolutions return.
_CHANNELS = [(0, n, *range(1, n)) for n in (2, 3, 4)] + [(0, *range(2, n + 1), 1) for n in (2, 3, 4)]


@dataclass(frozen=True)
class Order:
    """From the candidate's axes to the reference's: split into ``parts``, permuted, and merged again."""

    theirs: tuple[int, ...]
    """The candidate's shape."""
    parts: tuple[int, ...]
    """Its axes, those that it merges split."""
    axes: tuple[int, ...]
    """Which of the parts comes first, second, ..."""
    ours: tuple[int, ...]
    """The reference's shape."""

    @property
    def is_identity(self) -> bool:
        return self.theirs == self.ours and self.axes == tuple(range(len(self.axes)))

    def __str__(self) -> str:
        letters = "abcdefgh"[: len(self.parts)]
        return f"{_grouped(letters, self.parts, self.theirs)} -> {self._ours(letters)}"

    def turn(self, array: np.ndarray) -> np.ndarray:
        """The candidate's array as the reference has it."""
        return array.reshape(self.parts).transpose(self.axes).reshape(self.ours)

    def back(self, array: np.ndarray) -> np.ndarray:
        """The reference's array as the candidate has it."""
        permuted = array.reshape([self.parts[axis] for axis in self.axes])
        return permuted.transpose(np.argsort(self.axes)).reshape(self.theirs)

    def _ours(self, letters: str) -> str:
        permuted = "".join(letters[axis] for axis in self.axes)
        return _grouped(permuted, [self.parts[axis] for axis in self.axes], self.ours)


def given_order(pattern: str, theirs: tuple[int, ...], ours: tuple[int, ...]) -> Order:
    """What an einops pattern says, from the candidate's axes to the reference's: "b h w c -> b c h w".

    Raises ValueError for one that is none of these shapes.
    """
    found = next((order for order in orders(theirs, ours) if _alike(str(order), pattern)), None)
    if found is None:
        raise ValueError(f"{pattern!r} does not lead from shape {theirs} to {ours}")
    return found


def _alike(one: str, other: str) -> bool:
    """Whether two patterns are the same but for what they call the axes."""
    called: dict[str, str] = {}
    shapes = []
    for pattern in (one, other):
        called.clear()
        words = re.findall(r"\w+|->|[()]", pattern)
        shapes.append(
            [called.setdefault(word, str(len(called))) if word.isalnum() else word for word in words]
        )
    return shapes[0] == shapes[1]


def orders(theirs: tuple[int, ...], ours: tuple[int, ...]) -> Iterator[Order]:
    """All that lead from one shape to the other, that of equal shapes first.

    One side's axes are permuted, and neighbours merged where the other has fewer.
    """
    if math.prod(theirs) != math.prod(ours) or max(len(theirs), len(ours)) > MOST_AXES:
        return
    if len(theirs) >= len(ours):
        for axes in permutations(range(len(theirs))):
            if _merges([theirs[axis] for axis in axes], ours):
                yield Order(theirs, theirs, axes, ours)
    else:
        for order in permutations(range(len(ours))):
            parts = tuple(ours[axis] for axis in order)
            if _merges(parts, theirs):
                yield Order(theirs, parts, tuple(map(int, np.argsort(order))), ours)


def find_order(
    ours: np.ndarray, theirs: np.ndarray, bound: float, known: Sequence[Order] = ()
) -> tuple[Order | None, bool]:
    """The order in which the candidate's numbers are the reference's, and whether they are.

    Where they are in none: that of equal shapes, or the only one, or one in ``known``, or one between
    channels first and channels last; None where several are left, of which none says more than another.
    """
    found = list(orders(theirs.shape, ours.shape))
    scale = float(np.abs(ours).max(initial=0.0))
    for order in found:
        with np.errstate(invalid="ignore"):
            apart = float(np.abs(ours - order.turn(theirs)).max(initial=0.0))
        if relative_error(apart, scale) <= bound:
            return order, True
    alike = [order for order in found if any(order.axes == other.axes for other in known)]
    channels = [order for order in found if order.axes in _CHANNELS]
    same = [order for order in found if order.is_identity]
    likely = same or (found if len(found) == 1 else alike or channels)
    return (likely[0] if likely else None), False


def _merges(parts: Sequence[int], shape: tuple[int, ...]) -> bool:
    """Whether neighbours among the parts multiply to this shape."""
    return _groups(parts, shape) is not None


def _groups(parts: Sequence[int], shape: tuple[int, ...]) -> list[int] | None:
    """How many parts each axis of the shape takes; None where they do not make it."""
    counts, place = [], 0
    for length in shape:
        count, product = 0, 1
        while place < len(parts) and (not count or product < length):
            product *= parts[place]
            place, count = place + 1, count + 1
        if product != length:
            return None
        counts.append(count)
    return counts if place == len(parts) or all(part == 1 for part in parts[place:]) else None


def _grouped(letters: str, parts: Sequence[int], shape: tuple[int, ...]) -> str:
    """The parts' letters, those of a merged axis in brackets."""
    counts, place, words = _groups(parts, shape) or [], 0, []
    for count in counts:
        group = " ".join(letters[place : place + count])
        words.append(f"({group})" if count != 1 else group)
        place += count
    return " ".join(words)
