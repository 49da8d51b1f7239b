"""Moves of a learner's weights to the places that they have in the reference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from math import prod

import numpy as np
from einops import rearrange

Arrays = Mapping[str, np.ndarray]
FUSED = "fused"  # the axis that counts queries, keys and values in one weight


@dataclass(frozen=True)
class Move:
    """Some weights of the learner's, and those of the reference that they are, with an einops pattern
    between them.

    Several are stacked on a first axis: the heads of a list; queries, keys and values that were fused.
    """

    learner: tuple[str, ...]
    reference: tuple[str, ...]
    pattern: str
    sizes: tuple[tuple[str, int], ...]

    def forwards(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """The reference's weights, or gradients, from the learner's."""
        return _moved(self.learner, arrays, self.pattern, dict(self.sizes), self.reference)

    def backwards(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """The learner's from the reference's."""
        left, right = self.pattern.split(" -> ")
        return _moved(self.reference, arrays, f"{right} -> {left}", dict(self.sizes), self.learner)


def _moved(
    names: Sequence[str], arrays: Arrays, pattern: str, sizes: Mapping[str, int], into: Sequence[str]
) -> dict[str, np.ndarray]:
    given = [arrays[name] for name in names]
    left = pattern.split(" -> ")[0]
    known = {
        axis: size for axis, size in sizes.items() if axis in left.replace("(", " ").replace(")", " ").split()
    }
    moved = rearrange(given if len(given) > 1 else given[0], pattern, **known)
    return dict(zip(into, moved if len(into) > 1 else [moved], strict=True))


@dataclass(frozen=True)
class Reading:
    """One way to read a learner's weights."""

    moves: tuple[Move, ...]
    absent: tuple[str, ...]
    """Weights of the reference that the learner has not."""
    unclaimed: tuple[str, ...]
    """Weights of the learner that the reference has not."""

    def forwards(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """The reference's weights, or gradients, of those that the learner has."""
        return {name: array for move in self.moves for name, array in move.forwards(arrays).items()}

    def backwards(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """The learner's weights, or gradients, of those that the reference has."""
        return {name: array for move in self.moves for name, array in move.backwards(arrays).items()}


@dataclass(frozen=True)
class Layout:
    """How the axes of the reference may lie in a weight of some shape."""

    axes: str
    """As einops writes them: "(heads head_dim) embed"."""
    out_first: bool
    """Whether outputs come before inputs, as in a layer of PyTorch."""
    turned: bool
    """Whether head_dim counts slower than heads."""


def layouts(
    shape: tuple[int, ...], axes: tuple[str, ...], sizes: Mapping[str, int], inputs: int, stacked: bool
) -> Iterator[Layout]:
    """All that give the shape, those in the reference's own order first.

    ``inputs`` is how many of the axes come first as inputs, 0 in a bias. ``stacked``: the first axis is that
    of heads.
    """
    outputs = [axis for axis in axes[inputs:] if axis != FUSED]
    for order in permutations(axes):
        for cuts in combinations(range(1, len(order)), len(shape) - 1):
            groups = [order[a:b] for a, b in zip((0, *cuts), (*cuts, len(order)), strict=True)]
            if stacked and groups[0] != ("heads",):
                continue
            if all(
                prod(sizes[axis] for axis in group) == size for group, size in zip(groups, shape, strict=True)
            ):
                text = " ".join(group[0] if len(group) == 1 else f"({' '.join(group)})" for group in groups)
                first_output = min(map(order.index, outputs), default=len(order))
                out_first = bool(inputs) and order.index(axes[0]) > first_output
                both = {"heads", "head_dim"} <= {*order}
                turned = both and order.index("head_dim") < order.index("heads")
                yield Layout(text, out_first, turned)
