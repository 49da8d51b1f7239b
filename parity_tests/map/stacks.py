"""Several arrays of one model that may be one of the other: layers, and parts known to stand together."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations

from parity_tests.map.side import Names, Side
from parity_tests.map.words import in_known_order, pieces

MOST = 16  # parts beside each other, of which some may stand together

Pairs = list[tuple[Names, Names]]
Assign = Callable[[Sequence[Names], Sequence[Names]], Pairs]


def stacks(one: Side, other: Side, assign: Assign) -> Pairs:
    """Arrays of one side, each with several of the other, where it has more of a size; large ones first."""
    found: Pairs = []
    for size in sorted({*map(one.size, one.shapes)}, reverse=True):
        taken = {name for pair in found for names in pair for name in names}
        ones, others = one.without(taken), other.without(taken)
        count, counts = (Counter(map(side.size, side.shapes)) for side in (ones, others))
        if count[size] > counts[size]:
            spare = others.only(
                [name for name in others.shapes if counts[others.size(name)] > count[others.size(name)]]
            )
            groups = [group for group in _groups(spare) if len(group) * spare.size(group[0]) == size]
            found += assign([(name,) for name in ones.shapes if ones.size(name) == size], _disjoint(groups))
    return found


def _groups(side: Side) -> Iterator[Names]:
    """Arrays of one shape whose paths differ in one piece, by the number there or in the order known."""
    alike: dict[tuple[Names, bool, tuple[int, ...]], list[str]] = {}
    for name, shape in side.shapes.items():
        path = pieces(name)
        for place, piece in enumerate(path):
            others = (*path[:place], "", *path[place + 1 :])
            alike.setdefault((others, piece.isdigit(), shape), []).append(name)
    for (rest, number, _), names in alike.items():
        if number:
            place = rest.index("")
            numbered = {int(pieces(name)[place]): name for name in names}
            yield tuple(numbered[at] for at in sorted(numbered))
        else:
            chosen = chain(*(combinations(names[:MOST], count) for count in (4, 3, 2)))
            yield from (tuple(known) for group in chosen if (known := in_known_order(group)))


def _disjoint(groups: Sequence[Names]) -> list[Names]:
    """Those that share no array with one before them."""
    taken: set[str] = set()
    found = []
    for group in groups:
        if taken.isdisjoint(group):
            taken.update(group)
            found.append(group)
    return found
