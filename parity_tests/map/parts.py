"""Which parts of two models belong together: those that own each other's weights."""

from collections.abc import Sequence

from parity_tests.map.link import Link
from torch_impl.convert.row import torch_path


def part_pairs(links: Sequence[Link], ours: Sequence[str], theirs: Sequence[str]) -> dict[str, str]:
    """The reference's parts in the order of execution, each with the candidate's of the same weights.

    Of parts that lie in each other and own the same, the inner ones come first. A part that is called again
    has the number of its call behind its name on both sides.
    """
    left = _by_weights(ours, [link.ours for link in links])
    right = _by_weights(theirs, [link.theirs for link in links])
    pairs = {
        name: other
        for owned, names in left.items()
        for name, other in zip(names, right.get(owned, ()), strict=False)
    }
    return {name: pairs[name] for name in ours if name in pairs}


def _by_weights(
    taps: Sequence[str], linked: Sequence[tuple[str, ...]]
) -> dict[tuple[object, ...], list[str]]:
    """The parts by the links whose weights they own, all of them, and by the number of the call."""
    paths = [[torch_path(name) for name in names] for names in linked]
    found: dict[tuple[object, ...], list[str]] = {}
    for tap in taps:
        part, _, call = torch_path(tap).partition(" ")
        owned = tuple(
            number for number, names in enumerate(paths) if all(name.startswith(f"{part}.") for name in names)
        )
        if owned:
            found.setdefault((*owned, call), []).append(tap)
    return found
