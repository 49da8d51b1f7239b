"""Weights of one model for another: a table between two models whose names and shapes are both known.

Where several rows claim a parameter, as ``*/kernel`` and ``*/scale`` do that are both ``*.weight`` in
PyTorch, the two models decide: a row is out that finds no counterpart at the same path, or one of another
shape. If more than one is left, nothing is guessed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torch_impl.convert.changing import Change, read_by
from torch_impl.convert.engine import Arrays, Place, claims, gather, move
from torch_impl.convert.row import OTHER, Row, stacked

Shapes = Mapping[str, tuple[int, ...]]
Owners = Mapping[str, str]


class Placed(NamedTuple):
    """The parameters of one row and path: their names where they come from, and where they go."""

    row: Row
    names: list[str]
    targets: list[str]


@dataclass(frozen=True)
class Fitted:
    """Weights for the other model, before those are changed that a row changes."""

    source: str
    shapes: Shapes
    """Of the arrays that they were made of."""
    places: list[Placed]
    arrays: Arrays
    """In the other model's names and layout; what a row changes has the first of its names."""

    @property
    def changes(self) -> dict[str, Change]:
        """By the first of the names that are made, what makes them of what in ``arrays``."""
        return {
            targets[0]: Change(tuple(targets), row.change, tuple(part.made for part in parts))
            for row, names, targets in self.places
            if row.change is not None and (parts := read_by(row, names, targets, OTHER[self.source]))
        }

    def back(self, arrays: Mapping[str, np.ndarray]) -> Arrays:
        """Arrays such as ``arrays``, gradients say, in the names and layout of their source; in order.

        What ``arrays`` lacks is left out: running statistics have no gradients.
        """
        found: dict[str, Arrays] = {name: {} for name in arrays}
        for row, names, targets in self.places:
            for part in read_by(row, names, targets, OTHER[self.source]):
                made = [part.made] if row.change else targets
                if made[0] in arrays:
                    sizes = part.row.sizes(self.source, [self.shapes[name] for name in part.names])
                    moved = move(arrays, made, part.row, OTHER[self.source], sizes)
                    found[made[0]] = dict(zip(part.names, moved, strict=True))
        return {name: array for moved in found.values() for name, array in moved.items()}


def fit(arrays: Mapping[str, np.ndarray], source: str, shapes: Shapes, table: Sequence[Row]) -> Arrays:
    """The parameters of one framework in the names and layout of a model of the other.

    ``source`` is where ``arrays`` come from, "flax" or "torch"; ``shapes`` has the names and shapes of the
    other model's parameters, which also tell the sizes of axes that the source merges. Both must be covered:
    a parameter that no row claims or more than one could, that is on one side only or has another shape is
    an error that names it (KeyError, ValueError).
    """
    return fitted(arrays, source, shapes, table).arrays


def fitted(
    arrays: Mapping[str, np.ndarray],
    source: str,
    shapes: Shapes,
    table: Sequence[Row],
    owners: Owners | None = None,
) -> Fitted:
    """`fit`, with the way back. ``owners`` is what errors call the sides, by default their frameworks."""
    owners = owners or {side: side for side in OTHER}
    given = {name: array.shape for name, array in arrays.items()}
    table = [stacked(stacked(row, source, given), OTHER[source], shapes) for row in table]
    ours = _side(given, source, table, owners[source])
    theirs = _side(shapes, OTHER[source], table, owners[OTHER[source]])
    pair = _Pair(arrays, ours, theirs)
    here, there = pair.places(ours, theirs), pair.places(theirs, ours)
    for side, other, found, counterparts in ((ours, theirs, here, there), (theirs, ours, there, here)):
        for place, names in found.items():
            if place not in counterparts:
                raise KeyError(_alone(names[0], place, side, other))
    made: Arrays = {}
    for place in here:
        made |= pair.moved(place)
    places = [Placed(place[0], names, there[place]) for place, names in here.items()]
    return Fitted(source, given, places, made)


def passing(
    state: Collection[str],
    source: str,
    others: Collection[str],
    parameters: Collection[str],
    table: Sequence[Row],
) -> list[str]:
    """Of what a model keeps beside its parameters, what the table has a place for in the other model.

    That is in what the other keeps, ``others``; or in its ``parameters``, where a row makes these of it.
    """
    kept = {place for name in others for place, _ in _claims(name, OTHER[source], table)}
    making = [row for row in table if row.change or isinstance(row.axes, tuple)]
    made = {place for name in parameters for place, _ in _claims(name, OTHER[source], making)}
    return [name for name in state if {place for place, _ in _claims(name, source, table)} & (kept | made)]


def _claims(name: str, framework: str, table: Sequence[Row]) -> list[tuple[Place, str]]:
    try:
        return claims(name, framework, table)
    except KeyError:
        return []


class _Side(NamedTuple):
    """One model: its shapes, where each parameter may stand, and by its pattern who may stand where."""

    framework: str
    owner: str
    shapes: Shapes
    claims: dict[str, list[tuple[Place, str]]]
    members: dict[Place, dict[str, str]]


def _side(shapes: Shapes, framework: str, table: Sequence[Row], owner: str) -> _Side:
    found = {name: claims(name, framework, table, owner) for name in shapes}
    members: dict[Place, dict[str, str]] = {}
    for name, claimed in found.items():
        for place, pattern in claimed:
            members.setdefault(place, {})[pattern] = name
    return _Side(framework, owner, shapes, found, members)


class _Pair(NamedTuple):
    """The model that gives its arrays, and the one that gets them."""

    arrays: Mapping[str, np.ndarray]
    ours: _Side
    theirs: _Side

    def places(self, side: _Side, other: _Side) -> dict[Place, list[str]]:
        """Where the parameters of one side stand: of several places, at the only one that fits."""
        chosen = {}
        for name, claimed in side.claims.items():
            if len(claimed) > 1:
                unfit = {place: self.unfit(place) for place, _ in claimed}
                claimed = [(place, pattern) for place, pattern in claimed if not unfit[place]]
                if len(claimed) != 1:
                    raise KeyError(_undecided(name, unfit, side, other))
            (chosen[name],) = claimed
        return gather(chosen, side.framework)

    def unfit(self, place: Place) -> str:
        """Why the two models have nothing that could stand at a place; empty if they have."""
        row, path = place
        for side in (self.ours, self.theirs):
            members = side.members.get(place, {})
            names = row.names(side.framework, path)
            for pattern, name in zip(row.patterns(side.framework), names, strict=True):
                if pattern not in members:
                    return f"{side.owner} has no {name!r}"
        try:
            self.moved(place)
        except ValueError as error:
            return str(error)
        return ""

    def moved(self, place: Place) -> Arrays:
        """The arrays of one place in the other model's layout; ValueError if they have not its shapes."""
        names, targets = (
            [side.members[place][pattern] for pattern in place[0].patterns(side.framework)]
            for side in (self.ours, self.theirs)
        )
        row = place[0]
        if row.change is not None:  # the shapes are those of what it reads
            return {
                part.made: move(self.arrays, part.names, part.row, self.ours.framework, {})[0]
                for part in read_by(row, names, targets, self.theirs.framework)
            }
        sizes = row.sizes(self.theirs.framework, [self.theirs.shapes[name] for name in targets])
        arrays = move(self.arrays, names, row, self.ours.framework, sizes)
        for name, array in zip(targets, arrays, strict=True):
            if array.shape != self.theirs.shapes[name]:
                raise ValueError(
                    f"{names[0]!r} of shape {self.arrays[names[0]].shape} becomes {array.shape} by its row "
                    f"{row.axes!r}, but {name!r} has shape {self.theirs.shapes[name]}"
                )
        return dict(zip(targets, arrays, strict=True))


def _alone(name: str, place: Place, side: _Side, other: _Side) -> str:
    """What to say of a parameter whose counterpart is missing, or stands at another row's place."""
    row, path = place
    expected = ", ".join(row.names(other.framework, path))
    taken = [one for one in row.names(other.framework, path) if one in other.shapes]
    remedy = (
        f"which another row takes ({_row(other.claims[taken[0]][0][0])}): correct one of the two"
        if taken
        else "add it there, correct the row, or take it out of a copy of the model: delete it if it is not "
        "used, or make it a buffer"
    )
    return (
        f"{side.owner} parameter {name!r} has no counterpart: its row expects {expected!r} in "
        f"{other.owner}; {remedy}"
    )


def _undecided(name: str, unfit: Mapping[Place, str], side: _Side, other: _Side) -> str:
    """What to say of a parameter that several rows claim where none fits, or more than one."""
    readings = [f"  {_row(place)}: {why or 'fits'}" for place, why in unfit.items()]
    fits = sum(not why for why in unfit.values())
    # The likeliest: one that fits, else one whose counterpart there is.
    place = min(unfit, key=lambda place: (bool(unfit[place]), place not in other.members))
    return "\n".join(
        [
            f"{side.owner} parameter {name!r} of shape {side.shapes[name]} is claimed by {len(unfit)} "
            f"rows of the table, of which {fits or 'none'} {'fit' if fits else 'fits'}:",
            *readings,
            f"a row without * goes before those with one: add {_row(place, unfit[place])}",
        ]
    )


def _row(place: Place, unfit: str = "") -> str:
    """The row of one place alone; its axes are to be written anew where it does not fit."""
    row, path = place
    flax, torch = (
        names[0] if isinstance(getattr(row, side), str) else tuple(names)
        for side in ("flax", "torch")
        if (names := row.names(side, path))
    )
    axes = "Flax's axes -> PyTorch's axes" if unfit else row.axes
    return f"Row({flax!r}, {torch!r}, {axes!r})"
