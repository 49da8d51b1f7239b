"""Other choices than the likeliest, of the links that one part judges."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, permutations

from parity_tests.map.link import CHANGES, SUM, Link
from parity_tests.map.pairing import options
from parity_tests.map.side import Side
from parity_tests.map.words import owner, role

LIKELIEST = 50  # departures of which two are tried at once

Departure = Mapping[int, Link]  # other links, by their number


def departures(
    links: Sequence[Link], group: Sequence[int], beside: Sequence[Sequence[int]], ours: Side, theirs: Side
) -> list[Departure]:
    """Each a single change of the links in ``group``, the likeliest first.

    ``beside`` has the links of parts that lie beside it, which may have changed places with each other.
    """
    return [
        *_kinds(links, group, ours, theirs),
        *_layouts(links, group, ours, theirs),
        *_places(links, group),
        *_parts(links, beside),
        *_orders(links, group),
        *(
            {number: replace(links[number], change=change)}
            for number in group
            for change in CHANGES
            if links[number].change is None and not role(links[number].ours[0])
        ),
    ]


def with_departures(links: Sequence[Link], changed: Iterable[Departure]) -> list[Link]:
    """The links with others in the place of some."""
    other = {number: link for departure in changed for number, link in departure.items()}
    return [other.get(number, link) for number, link in enumerate(links)]


def both(departures: Sequence[Departure]) -> Iterator[Departure]:
    """Two of the likeliest at once, of different links; the likelier first."""
    pairs = combinations(range(min(len(departures), LIKELIEST)), 2)
    for one, other in sorted(pairs, key=sum):
        if not departures[one].keys() & departures[other].keys():
            yield {**departures[one], **departures[other]}


def _layouts(links: Sequence[Link], group: Sequence[int], ours: Side, theirs: Side) -> Iterator[Departure]:
    """Axes in another order: of a matrix and its bias together, then of one alone."""
    others = {
        number: [
            replace(links[number], order=order)
            for order in options(links[number], ours, theirs)
            if order != links[number].order and links[number].change is not SUM
        ]
        for number in group
    }
    for number, changed in others.items():
        for link in changed:
            beside = {other: alike for other in others for alike in others[other] if _together(link, alike)}
            if beside:
                yield {number: link, **beside}
    yield from ({number: link} for number, changed in others.items() for link in changed)


def _kinds(links: Sequence[Link], group: Sequence[int], ours: Side, theirs: Side) -> Iterator[Departure]:
    """Axes in another order, in all layers alike."""
    alike: dict[object, list[int]] = {}
    for number in group:
        link = links[number]
        names = (re.sub(r"\d+", "#", name) for name in (*link.ours, *link.theirs))
        alike.setdefault((*names, link.order, link.change), []).append(number)
    for numbers in alike.values():
        link = links[numbers[0]]
        if len(numbers) > 1 and link.change is not SUM:
            for order in options(link, ours, theirs):
                if order != link.order:
                    yield {number: replace(links[number], order=order) for number in numbers}


def _together(link: Link, bias: Link) -> bool:
    """Whether the axes that a bias has of its matrix lie in the same order in both."""
    if owner(link.ours[0]) != owner(bias.ours[0]) or len(link.theirs) != len(bias.theirs):
        return False
    for read in range(len(link.order.parts)):
        rest = [axis - (axis > read) for axis in link.order.axes if axis != read]
        lengths = [*link.order.parts[:read], *link.order.parts[read + 1 :]]
        if lengths == [*bias.order.parts] and rest == [*bias.order.axes]:
            return True
    return False


def _swapped(links: Sequence[Link], one: int, other: int) -> Departure:
    """The reference's weights of two links changed for each other."""
    first, second = links[one], links[other]
    return {
        one: replace(first, ours=second.ours, change=second.change),
        other: replace(second, ours=first.ours, change=first.change),
    }


def _alike(one: Link, other: Link) -> bool:
    """Whether two links could have each other's weights."""
    shapes = [(len(link.ours), len(link.theirs), link.order.ours, link.order.theirs) for link in (one, other)]
    return shapes[0] == shapes[1]


def whole_parts(links: Sequence[Link], departure: Departure) -> Iterator[Departure]:
    """Where a departure has arrays of two parts change places: all that these own."""
    shapes = {name: link.order.theirs[len(link.theirs) > 1 :] for link in links for name in link.theirs}
    moved = {owner(name) for number in departure for name in links[number].theirs}
    same = all(link.theirs == links[number].theirs for number, link in departure.items())
    if len(moved) == 2 and not same:
        swap = dict(zip(moved, [*moved][::-1], strict=True))
        other = {
            name: swap[owner(name)] + name[len(owner(name)) :] for name in shapes if owner(name) in moved
        }
        if all(shapes.get(new) == shapes[name] for name, new in other.items()):
            yield {
                number: link.renamed("theirs", other)
                for number, link in enumerate(links)
                if not other.keys().isdisjoint(link.theirs)
            }


def _places(links: Sequence[Link], group: Sequence[int]) -> Iterator[Departure]:
    for one, other in combinations(group, 2):
        if _alike(links[one], links[other]):
            yield _swapped(links, one, other)


def _parts(links: Sequence[Link], beside: Sequence[Sequence[int]]) -> Iterator[Departure]:
    """All weights of two parts changed for each other's."""
    for one, other in combinations(beside, 2):
        pairs = [*zip(one, other, strict=False)]
        if len(one) == len(other) and all(_alike(links[a], links[b]) for a, b in pairs):
            yield {number: link for a, b in pairs for number, link in _swapped(links, a, b).items()}


def _orders(links: Sequence[Link], group: Sequence[int]) -> Iterator[Departure]:
    """Several that are one on the other side, in another order; all of one part in the same."""
    several = [number for number in group if len(links[number].theirs) > 1]
    for count in {len(links[number].theirs) for number in several}:
        chosen = [number for number in several if len(links[number].theirs) == count]
        for order in [*permutations(range(count))][1:]:
            yield {
                number: replace(links[number], theirs=tuple(links[number].theirs[place] for place in order))
                for number in chosen
            }
