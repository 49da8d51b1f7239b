"""One of two models, as a table sees it: names and shapes of its arrays, in their order of use."""

import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace

from parity_tests.map.words import owner, role

Names = tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """Weights, and what else passes through the table."""

    shapes: Mapping[str, tuple[int, ...]]
    parts_return: frozenset[tuple[int, ...]] = frozenset()
    """Shapes of what parts return, without the batch: what is flattened may be one of them."""

    def size(self, name: str) -> int:
        return math.prod(self.shapes[name])

    def shape(self, names: Names) -> tuple[int, ...]:
        """Of the arrays of these names; one on the other where they are several."""
        shape = self.shapes[names[0]]
        return (len(names), *shape) if len(names) > 1 else shape

    def without(self, names: Collection[str]) -> "Side":
        return replace(self, shapes={n: shape for n, shape in self.shapes.items() if n not in names})

    def only(self, names: Collection[str]) -> "Side":
        return replace(self, shapes={n: shape for n, shape in self.shapes.items() if n in names})

    def likes(self) -> dict[Hashable, list[Names]]:
        """Each array, by what it does and its size."""
        found: dict[Hashable, list[Names]] = {}
        for name in self.shapes:
            found.setdefault((role(name), self.size(name)), []).append((name,))
        return found

    def sizes(self) -> dict[Hashable, list[Names]]:
        """Each array, by its size alone."""
        found: dict[Hashable, list[Names]] = {}
        for name in self.shapes:
            found.setdefault(self.size(name), []).append((name,))
        return found

    def parts(self) -> dict[Hashable, list[Names]]:
        """The arrays of each part together, by what they do and their sizes."""
        owned: dict[str, list[str]] = {}
        for name in self.shapes:
            owned.setdefault(owner(name), []).append(name)
        found: dict[Hashable, list[Names]] = {}
        for names in owned.values():
            kinds = tuple(sorted((role(name), self.size(name)) for name in names))
            found.setdefault(kinds, []).append(tuple(names))
        return found
