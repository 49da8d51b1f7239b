"""Hypotheses planted in a computation: which settings give the reference's numbers, which the candidate's.

A `Computation` is a function of named settings. The reference's are those that give its numbers; where none
do, nothing is known of this part, and nothing is said. Then one setting is changed, and another, and where
none alone gives the candidate's numbers, two at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np

from parity_tests.diagnosis.place import Place, same

MOST_CHANGES = 2
Settings = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """A setting in which the candidate's computation is not the reference's."""

    what: str
    theirs: Any
    ours: Any


# One or two differences that explain the candidate's numbers together.
Explanation = tuple[Difference, ...]
# What a place may be, by one kind of mistake: all explanations of it, which are alternatives.
Family = Callable[[Place], list[Explanation]]


@dataclass(frozen=True)
class Computation:
    """What a part may compute: ``compute(**settings)``, which is None where the settings do not fit."""

    compute: Callable[..., np.ndarray | None]
    options: Mapping[str, Sequence[Any]]
    """The values that people use, by setting, the usual one first."""
    unknown: Sequence[str] = ()
    """Settings of which the reference may have any value; it has the first of the others."""
    solve: Mapping[str, Callable[..., float | None]] = field(default_factory=dict)
    """``solve[name](target, **others)``: the value of a setting, where it is none that people use."""
    once: Sequence[str] = ()
    """Settings whose values may say the same, as paddings that no window reaches: the first one counts."""
    rounded: Callable[..., list[Difference]] | None = None
    """``rounded(target, **settings)``: what is computed in another precision, which shows in no other way."""


def explanations(computation: Computation, place: Place) -> list[Explanation]:
    """The smallest changes of the reference's settings that give the candidate's numbers."""
    usual = {name: values[0] for name, values in computation.options.items()}
    base = next(_matching(computation, usual, computation.unknown, place.ours, place.is_ours), None)
    if base is None:
        return []
    for count in range(1, MOST_CHANGES + 1):
        found: list[Explanation] = []
        for names in combinations(computation.options, count):
            for settings in _matching(computation, base, names, place.theirs, place.is_theirs):
                changed = [name for name in names if settings[name] != base[name]]
                if len(changed) == count:
                    found.append(tuple(Difference(name, settings[name], base[name]) for name in changed))
        if found:
            return list(dict.fromkeys(found))
    if computation.rounded is None:
        return []
    return [(difference,) for difference in computation.rounded(place.theirs, **base)]


def fits(computation: Computation, target: np.ndarray, tolerance: float) -> bool:
    """Whether any settings of the reference give these numbers, to a few times the tolerance."""
    usual = {name: values[0] for name, values in computation.options.items()}

    def matches(array: np.ndarray | None) -> bool:
        return same(array, target, 4 * tolerance)

    return next(_matching(computation, usual, computation.unknown, target, matches), None) is not None


def _matching(
    computation: Computation,
    base: Settings,
    names: Sequence[str],
    target: np.ndarray,
    matches: Callable[[np.ndarray | None], bool],
) -> Iterator[Settings]:
    """All settings that differ from ``base`` in these names alone and give the target; solved if none do."""
    found = False
    told: set[tuple[Any, ...]] = set()
    for values in product(*(computation.options[name] for name in names)):
        settings = base | dict(zip(names, values, strict=True))
        others = tuple(settings[name] for name in names if name not in computation.once)
        if others not in told and matches(computation.compute(**settings)):
            found = True
            if computation.once:
                told.add(others)
            yield settings
    for name in [name for name in names if name in computation.solve and not found]:
        rest = [other for other in names if other != name]
        for values in product(*(computation.options[other] for other in rest)):
            settings = base | dict(zip(rest, values, strict=True))
            settings[name] = computation.solve[name](target, **settings)
            if settings[name] is not None and matches(computation.compute(**settings)):
                yield settings
