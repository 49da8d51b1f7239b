"""A link: weights of the reference, those of the candidate that they are, and how their axes lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from parity_tests.core.order import Order

Arrays = Mapping[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]


class Change(NamedTuple):
    """What makes the candidate's value of the reference's: as numpy, and as code of either framework."""

    function: Callable[[Any], Any]
    code: str


# What ports keep in another way, by what makes the candidate's value.
CHANGES = (
    Change(lambda weight: weight + 1, "lambda weight: weight + 1"),
    Change(lambda weight: weight - 1, "lambda weight: weight - 1"),
    Change(lambda weight: -weight, "lambda weight: -weight"),
)
SUM = Change(lambda several: several.sum(0), "lambda several: several.sum(0)")


@dataclass(frozen=True)
class Link:
    """Names of both sides, several where one side has in one array what the other has in several.

    ``order`` leads from the candidate's axes to the reference's; that which counts several is the first.
    """

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    order: Order
    change: Change | None = None
    turned: bool = False
    """Whether one side is likely to have what is read first and the other what is given."""

    def values(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """The candidate's weights of the reference's."""
        array = stacked(arrays, self.ours)
        array = array if self.change is None else self.change.function(array)
        return unstacked(self.order.back(array), self.theirs)

    def renamed(self, side: Literal["ours", "theirs"], names: Mapping[str, str]) -> "Link":
        """With other names on one side, for those that have one."""
        ours, theirs = (
            tuple(names.get(name, name) for name in of_side) if side == which else of_side
            for which, of_side in (("ours", self.ours), ("theirs", self.theirs))
        )
        return replace(self, ours=ours, theirs=theirs)


def stacked(arrays: Arrays, names: tuple[str, ...]) -> np.ndarray:
    """The arrays of these names as one: where they are several, the first axis counts them."""
    given = [arrays[name] for name in names]
    return np.stack(given) if len(given) > 1 else given[0]


def unstacked(array: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """`stacked` backwards."""
    return dict(zip(names, array if len(names) > 1 else [array], strict=True))


def shifted(link: Link, name: str) -> Link:
    """The link with other numbers for one of the candidate's arrays, each shifted by another amount."""

    def shift(array: np.ndarray) -> np.ndarray:
        array = array if link.change is None else link.change.function(array)
        given = link.order.back(array).copy()
        one = unstacked(given, link.theirs)[name]  # a view
        one += np.linspace(0.5, 1.5, one.size).reshape(one.shape)
        return link.order.turn(given)

    return replace(link, change=Change(shift, ""))


def candidate_values(links: Sequence[Link], arrays: Arrays) -> dict[str, np.ndarray]:
    """All weights of the candidate."""
    return {name: value for link in links for name, value in link.values(arrays).items()}
