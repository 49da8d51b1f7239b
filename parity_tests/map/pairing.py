"""Which arrays belong together, as far as names, shapes and the order of use tell."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from parity_tests.core.order import Order, orders
from parity_tests.map.layouts import Counted, flattened, input_first, layouts
from parity_tests.map.link import SUM, Link
from parity_tests.map.side import Names, Side
from parity_tests.map.stacks import Assign, Pairs, stacks
from parity_tests.map.words import likeness, owner, role

# What counts against two: names that say nothing alike, another role, and each place that they are apart
# among their likes. Names weigh more than a neighbour's place, and less than a layer.
UNLIKE, OTHER_ROLE, APART, FORBIDDEN = 1.0, 4.0, 0.3, 1e6


@dataclass(frozen=True)
class Pairing:
    """Links, and what is left over on both sides."""

    links: list[Link]
    ours: list[str]
    theirs: list[str]


def pair(ours: Side, theirs: Side) -> Pairing:
    """Links that are likely: several of one first, then part by part, then what is left one by one."""

    def assign(left: Sequence[Names], right: Sequence[Names]) -> Pairs:
        return _assigned(left, right, ours, theirs)

    def left_over() -> list[Side]:
        taken = ([name for pair in found for name in pair[side]] for side in (0, 1))
        return [side.without(names) for side, names in zip((ours, theirs), taken, strict=True)]

    found = stacks(ours, theirs, assign)
    found += _turned(stacks(theirs, ours, lambda left, right: _turned(assign(right, left))))
    for one, other in _by_key(assign, *(side.parts() for side in left_over())):
        found += _by_key(assign, ours.only(one).likes(), theirs.only(other).likes())
    found += _by_key(assign, *(side.likes() for side in left_over()))
    found += _by_key(assign, *(side.sizes() for side in left_over()))
    links = _summed(_links(found, ours, theirs), left_over()[0])
    found = [(link.ours, link.theirs) for link in links]
    return Pairing(links, *([*side.shapes] for side in left_over()))


def options(link: Link, ours: Side, theirs: Side) -> list[Order]:
    """The layouts that a link may have, the likeliest first."""
    more = len(link.theirs) - len(link.ours)
    counted: Counted = "theirs" if more > 0 else "ours" if more < 0 else ""
    shapes = theirs.shape(link.theirs), ours.shape(link.ours)
    return [*layouts(*shapes, link.turned, counted), *flattened(*shapes, theirs.parts_return)]


def _links(pairs: Pairs, ours: Side, theirs: Side) -> list[Link]:
    """The pairs with their likeliest layouts: turned where those of like names are that fit in one way."""
    votes: dict[tuple[str, str], Counter[bool]] = {}
    for one, other in pairs:
        fitting = layouts(theirs.shape(other), ours.shape(one), turned=False)
        if len(fitting) == len(one) == len(other) == 1 < len(fitting[0].theirs) == len(fitting[0].ours):
            votes.setdefault(_leaves(one, other), Counter())[fitting[0].axes[0] != 0] += 1
    found = []
    for one, other in pairs:
        usual = input_first(one[0]) != input_first(other[0])
        counts = votes.get(_leaves(one, other), Counter([usual]))
        link = Link(
            one, other, next(orders(theirs.shape(other), ours.shape(one))), turned=counts.most_common()[0][0]
        )
        found.append(replace(link, order=options(link, ours, theirs)[0]))
    return found


def _leaves(one: Names, other: Names) -> tuple[str, str]:
    return one[0][len(owner(one[0])) :], other[0][len(owner(other[0])) :]


def _turned(pairs: Pairs) -> Pairs:
    return [(other, one) for one, other in pairs]


def _by_key(
    assign: Assign, left: Mapping[Hashable, list[Names]], right: Mapping[Hashable, list[Names]]
) -> Pairs:
    """Assigned among those that have the same key."""
    return [pair for key in left if key in right for pair in assign(left[key], right[key])]


def _assigned(left: Sequence[Names], right: Sequence[Names], ours: Side, theirs: Side) -> Pairs:
    """Each of the shorter list with one of the other, so that what counts against them is least."""
    if not left or not right:
        return []
    costs = np.array(
        [
            [_against(one, other, i - j, ours, theirs) for j, other in enumerate(right)]
            for i, one in enumerate(left)
        ]
    )
    found = zip(*linear_sum_assignment(costs), strict=True)
    return [(left[i], right[j]) for i, j in found if costs[i, j] < FORBIDDEN]


def _against(one: Names, other: Names, apart: int, ours: Side, theirs: Side) -> float:
    if not _fit(one, other, ours, theirs):
        return FORBIDDEN
    alike = max(likeness(name, another) for name in one for another in other)
    return UNLIKE * (1 - alike) + OTHER_ROLE * (role(one[0]) != role(other[0])) + APART * abs(apart)


def _fit(one: Names, other: Names, ours: Side, theirs: Side) -> bool:
    """Whether shapes allow it: of one and several, or of each array of two parts with one of the other."""
    if len(one) != len(other):
        return any(True for _ in orders(theirs.shape(other), ours.shape(one)))
    return all(any(any(True for _ in orders(theirs.shapes[b], ours.shapes[a])) for b in other) for a in one)


def _summed(links: list[Link], spare: Side) -> list[Link]:
    """The links, those of a bias with a second one beside it that is left over."""
    for number, link in enumerate(links):
        beside = [
            name for name in spare.shapes if owner(name) == owner(link.ours[0]) and role(name) == "bias"
        ]
        if len(link.ours) == len(beside) == 1 and role(link.ours[0]) == "bias":
            links[number] = replace(link, ours=(*link.ours, *beside), change=SUM)
    return links
