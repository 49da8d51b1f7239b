"""All ways to read a learner's weights, the likeliest first.

Names and shapes say which weight of the reference each is. What they leave open is not guessed: every way is
given, and the numbers decide.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, permutations, product

import numpy as np
from scipy.optimize import linear_sum_assignment

from study.grade.roles import block_of, named, score
from study.grade.weights import FUSED, Layout, Move, Reading, layouts
from torch_impl.convert.row import match
from torch_impl.convert.table import TABLE

Shapes = Mapping[str, tuple[int, ...]]
MOST = 96  # ways that are tried
BUNDLES = (("query", "key", "value"), ("key", "value"))


@dataclass(frozen=True)
class Slot:
    """A weight of the reference, or several that one weight may hold."""

    names: tuple[str, ...]
    axes: tuple[str, ...]

    @property
    def layer(self) -> str:
        """The path of the layer: "blocks_0/attention/query"."""
        return self.names[0] if self.names[0].endswith("word_bias") else self.names[0].rpartition("/")[0]

    @property
    def bias(self) -> bool:
        return self.names[0].endswith("bias")

    @property
    def inputs(self) -> int:
        """How many of its axes are inputs."""
        if self.bias:
            return 0
        return 2 if self.layer.endswith("output") else 1


@dataclass(frozen=True)
class Source:
    """A weight of the learner's, or the same one of each head in a list."""

    names: tuple[str, ...]
    shape: tuple[int, ...]
    owner: str
    bias: bool
    kind: str

    @property
    def stacked(self) -> bool:
        return len(self.names) > 1


@dataclass(frozen=True)
class Places:
    """How weights may lie in the reference, each asked for once."""

    sizes: Mapping[str, int]
    blocks: Mapping[str, int]
    """By owner, which block its weights are in; empty where that is not known."""
    known: dict[tuple[Source, Slot], list[Layout]] = field(default_factory=dict)

    def fits(self, source: Source, slot: Slot) -> list[Layout]:
        """How a weight may lie at a place; none where its block is another or its shape does not allow it."""
        if (source, slot) not in self.known:
            self.known[source, slot] = self._layouts(source, slot)
        return self.known[source, slot]

    def _layouts(self, source: Source, slot: Slot) -> list[Layout]:
        block = block_of(slot.layer) if "blocks" in slot.layer else None
        if (self.blocks and self.blocks.get(source.owner) != block) or len(source.shape) > len(slot.axes):
            return []
        found = list(layouts(source.shape, slot.axes, self.lengths(slot), slot.inputs, source.stacked))
        if source.kind and len(slot.axes) > 1 and not slot.bias and "embedding" not in slot.names[0]:
            found = [one for one in found if one.out_first == (source.kind == "out in")]
        return found

    def lengths(self, slot: Slot) -> dict[str, int]:
        """Of a place's axes."""
        known = {
            "position": self.sizes.get("max_positions", 0),
            "segment": self.sizes.get("segments", 0),
            "transformed": self.sizes.get("embed", 0),
            FUSED: len(slot.names),
            **self.sizes,
        }
        return {axis: known[axis] for axis in slot.axes}


Pairs = list[tuple[Source, Slot]]


def readings(
    shapes: Shapes,
    kinds: Mapping[str, str],
    reference: Shapes,
    sizes: Mapping[str, int],
    renamed: Mapping[str, str],
) -> Iterator[Reading]:
    """`MOST` ways at most. ``renamed`` has pieces of the learner's names with what they are to be called."""
    sources, slots = list(_sources(shapes, kinds, sizes.get("heads", 0), renamed)), _slots(reference)
    places = Places(sizes, _blocks(sources, slots))
    pairs, slots = _fused(sources, slots, places)
    taken = {source for source, _ in pairs}
    rest = [source for source in sources if source not in taken]
    kernels = _assigned([one for one in rest if not one.bias], [one for one in slots if not one.bias], places)
    for changed in islice(_exchanged(kernels, places), MOST):
        found = pairs + changed + _biases(pairs + changed, rest, slots, places)
        yield from _laid_out(found, sources, reference, places)


def _sources(
    shapes: Shapes, kinds: Mapping[str, str], heads: int, renamed: Mapping[str, str]
) -> Iterator[Source]:
    """The learner's weights, those of heads in a list together."""
    lists: dict[tuple[str, int], list[str]] = {}
    for name in shapes:
        for number, found in enumerate(re.finditer(r"\d+", name)):
            lists.setdefault((name[: found.start()] + "#" + name[found.end() :], number), []).append(name)
    whole = {
        tuple(members): template
        for (template, _), members in lists.items()
        if heads > 1 and len(members) == heads and len({shapes[name] for name in members}) == 1
    }
    stacked = {name: members for members in whole for name in members}
    for name, shape in shapes.items():
        members = stacked.get(name, (name,))
        if name != members[0]:
            continue
        called = whole.get(members, name)
        for piece, word in renamed.items():
            called = re.sub(rf"(?<![\w]){re.escape(piece)}(?![\w])", word, called)
        owner, bias = named(called, len(shape))
        full = (heads, *shape) if len(members) > 1 else shape
        yield Source(members, full, owner, bias, kinds.get(name, ""))


def _slots(reference: Shapes) -> list[Slot]:
    """The reference's weights with the names of their axes."""
    found = []
    for name in reference:
        row = next(row for row in TABLE if isinstance(row.flax, str) and match(row.flax, name) is not None)
        found.append(Slot((name,), tuple(row.layout("flax").split())))
    return found


def _blocks(sources: Sequence[Source], slots: Sequence[Slot]) -> dict[str, int]:
    """By owner, which block it is in, counted from 0; empty where the reference has no blocks or names no
    numbers.
    """
    layers = {block_of(slot.layer) for slot in slots if slot.layer.startswith(("blocks", "bert/blocks"))}
    numbers = {one.owner: block_of(one.owner) for one in sources}
    seen = sorted({number for number in numbers.values() if number is not None})
    inside = [number for number in seen if sum(n == number for n in numbers.values()) > 4]
    if not layers or len(inside) > len(layers):
        return {}
    return {owner: inside.index(n) for owner, n in numbers.items() if n is not None and n in inside}


def _fused(sources: Sequence[Source], slots: list[Slot], places: Places) -> tuple[Pairs, list[Slot]]:
    """Weights that hold queries, keys and values together, with their places; and the places that are
    left.
    """
    pairs: Pairs = []
    for layers in BUNDLES:
        for leaf in ("kernel", "bias"):
            for slot in [one for one in slots if one.names[0].endswith(f"{layers[0]}/{leaf}")]:
                stem = slot.names[0].removesuffix(f"{layers[0]}/{leaf}")
                names = tuple(f"{stem}{layer}/{leaf}" for layer in layers)
                bundle = Slot(
                    names, (slot.axes[0], FUSED, *slot.axes[1:]) if leaf == "kernel" else (FUSED, *slot.axes)
                )
                for source in sources:
                    used = any(source is one for one, _ in pairs)
                    if not used and source.bias == slot.bias and places.fits(source, bundle):
                        pairs.append((source, bundle))
                        slots = [one for one in slots if one.names[0] not in names]
                        break
    return pairs, slots


def _assigned(sources: Sequence[Source], slots: Sequence[Slot], places: Places) -> Pairs:
    """Each weight at the place that its name and shape say, by the order of definition where they say
    nothing.
    """
    if not sources or not slots:
        return []
    costs = np.full((len(sources), len(slots)), 1e9)
    for i, source in enumerate(sources):
        for j, slot in enumerate(slots):
            if places.fits(source, slot):
                order = abs(i / len(sources) - j / len(slots))
                costs[i, j] = order - 10.0 * score(source.owner, slot.layer)
    rows, columns = linear_sum_assignment(costs)
    return [(sources[i], slots[j]) for i, j in zip(rows, columns, strict=True) if costs[i, j] < 1e9]


def _exchanged(pairs: Pairs, places: Places) -> Iterator[Pairs]:
    """The pairs; and those that names do not prefer less: weights of one shape and block with places
    exchanged.
    """

    def alike(pair: tuple[Source, Slot]) -> str:
        return f"{pair[0].shape} {pair[0].kind} {block_of(pair[1].layer) if places.blocks else ''}"

    groups = [list(group) for _, group in groupby(sorted(pairs, key=alike), key=alike)]
    yield from (
        [pair for group in chosen for pair in group]
        for chosen in product(*(list(_orders(group, places)) for group in groups))
    )


def _orders(group: Pairs, places: Places) -> Iterator[Pairs]:
    """A group in every order that its names find as good."""

    def worth(pairs: Pairs) -> int:
        return sum(score(source.owner, slot.layer) for source, slot in pairs)

    best = worth(group)
    if len(group) > 6:
        yield group
        return
    for slots in permutations([slot for _, slot in group]):
        changed = [(source, slot) for (source, _), slot in zip(group, slots, strict=True)]
        if worth(changed) >= best and all(places.fits(source, slot) for source, slot in changed):
            yield changed


def _biases(
    pairs: Pairs,
    sources: Sequence[Source],
    slots: Sequence[Slot],
    places: Places,
) -> Pairs:
    """Biases, each beside its kernel, and those that have none where they fit."""
    layers = {source.owner: slot.layer for source, slot in pairs}
    free = [slot for slot in slots if slot.bias]
    found: Pairs = []
    for source in (one for one in sources if one.bias):
        beside = [slot for slot in free if slot.layer == layers.get(source.owner)]
        if beside and places.fits(source, beside[0]):
            found.append((source, beside[0]))
            free.remove(beside[0])
    placed = {source for source, _ in found}
    alone = [one for one in sources if one.bias and one not in placed and one.owner not in layers]
    return found + _assigned(alone, free, places)


def _laid_out(
    pairs: Pairs, sources: Sequence[Source], reference: Shapes, places: Places
) -> Iterator[Reading]:
    """The readings of these pairs: where a shape allows several layouts, all weights have the same one of
    them.
    """
    claimed = {name for source, _ in pairs for name in source.names}
    filled = {name for _, slot in pairs for name in slot.names}
    absent = tuple(name for name in reference if name not in filled)
    unclaimed = tuple(name for source in sources for name in source.names if name not in claimed)
    seen: set[tuple[Move, ...]] = set()
    for turned, out_first in product((False, True), (False, True)):
        moves = []
        for source, slot in pairs:
            fits = places.fits(source, slot)
            best = min(fits, key=lambda one: (one.turned != turned, one.out_first != out_first))
            left = best.axes
            right = " ".join(
                (FUSED, *(axis for axis in slot.axes if axis != FUSED)) if FUSED in slot.axes else slot.axes
            )
            lengths = tuple(places.lengths(slot).items())
            moves.append(Move(source.names, slot.names, f"{left} -> {right}", lengths))
        if tuple(moves) not in seen:
            seen.add(tuple(moves))
            yield Reading(tuple(moves), absent, unclaimed)
