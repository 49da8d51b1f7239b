"""Choices of a table that may change nothing.

Such a choice is a symmetry of the model; and at weights that are alike under a symmetry, gradients are alike
under it too. So two backward passes tell which choices can be symmetries: one where all arrays of a shape
have the same numbers, and one where each array is the same in all layouts that fit it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from parity_tests.core.order import Order
from parity_tests.map.departures import Departure
from parity_tests.map.link import SUM, Link, stacked, unstacked
from parity_tests.map.pairing import options
from parity_tests.map.side import Side

SAME = 1e-9  # apart at most, in units of the larger, are gradients that may be the same

Arrays = Mapping[str, np.ndarray]
Gradients = Callable[[Arrays], Arrays]  # weights of one model -> their gradients
Links = Mapping[int, Link]


def symmetries(
    links: Links,
    silent: Collection[str],
    weights: Arrays,
    values: Arrays,
    reference: Gradients,
    candidate: Gradients,
    ours: Side,
    theirs: Side,
) -> Iterator[tuple[Departure, str]]:
    """Departures that may change nothing, each in words.

    ``weights`` are the reference's, ``values`` the candidate's; ``silent`` are arrays without gradients.
    """
    yield from _places(links, "theirs", silent, values, candidate)
    if any(len(link.ours) > len(link.theirs) for link in links.values()):
        yield from _places(links, "ours", silent, weights, reference)
    loud = {number: link for number, link in links.items() if not all(name in silent for name in link.theirs)}
    yield from _layouts(loud, values, candidate, ours, theirs)


def _places(
    links: Links,
    side: Literal["ours", "theirs"],
    silent: Collection[str],
    arrays: Arrays,
    gradients: Gradients,
) -> Iterator[tuple[Departure, str]]:
    """Arrays of one shape changed for each other."""
    places = {
        name: number
        for number, link in links.items()
        if link.change is not SUM
        for name in getattr(link, side)
        if name not in silent
    }
    first: dict[tuple[int, ...], str] = {}
    tied = dict(arrays)
    for name in places:
        tied[name] = arrays[first.setdefault(arrays[name].shape, name)]
    found = gradients(tied)
    for one, other in combinations(places, 2):
        if arrays[one].shape != arrays[other].shape:
            continue
        if one not in found or _same(found[one], found[other]):  # nothing is known without gradients
            swap = {one: other, other: one}
            departure = {number: links[number].renamed(side, swap) for number in {places[one], places[other]}}
            yield departure, f"{one} and {other} may change places"


def _layouts(
    links: Links, values: Arrays, gradients: Gradients, ours: Side, theirs: Side
) -> Iterator[tuple[Departure, str]]:
    """Axes in another order."""
    others = {
        number: [order for order in options(link, ours, theirs) if order != link.order]
        for number, link in links.items()
        if link.change is not SUM
    }
    alike = dict(values)
    for number, orders in others.items():
        if orders:
            link = links[number]
            averaged = _averaged(stacked(values, link.theirs), link.order, orders)
            alike |= unstacked(averaged, link.theirs)
    found = gradients(alike)
    for number, orders in others.items():
        gradient = stacked(found, links[number].theirs)
        for order in orders:
            if _same(gradient, order.back(links[number].order.turn(gradient))):
                yield {number: replace(links[number], order=order)}, f"its axes may lie otherwise: {order}"


def _averaged(array: np.ndarray, order: Order, others: list[Order]) -> np.ndarray:
    """The mean over all numbers that some other order puts in each other's place."""
    places = np.arange(array.size).reshape(array.shape)
    moved = np.concatenate([other.back(order.turn(places)).ravel() for other in others])
    here = np.tile(np.arange(array.size), len(others))
    graph = coo_array((np.ones(len(here), bool), (here, moved)), shape=(array.size, array.size))
    _, group = connected_components(graph, directed=False)
    return (np.bincount(group, array.ravel()) / np.bincount(group))[group].reshape(array.shape)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return float(np.abs(one - other).max()) <= SAME * float(np.abs(one).max())
