"""One of two models, as a table sees it: names and shapes of its arrays, in their order of use."""

import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass

from parity_tests.map.words import owner, role

Names = tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """Weights, and what else passes through the table."""

    shapes: Mapping[str, tuple[int, ...]]

    def size(self, name: str) -> int:
        return math.prod(self.shapes[name])

    def shape(self, names: Names) -> tuple[int, ...]:
        """Of the arrays of these names; one on the other where they are several."""
        shape = self.shapes[names[0]]
        return (len(names), *shape) if len(names) > 1 else shape

    def without(self, names: Collection[str]) -> "Side":
        return Side({name: shape for name, shape in self.shapes.items() if name not in names})

    def only(self, names: Collection[str]) -> "Side":
        return Side({name: shape for name, shape in self.shapes.items() if name in names})

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
