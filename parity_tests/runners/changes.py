"""Weights that are made of others when a model runs, so that gradients reach those that they are made of."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

Shapes = Mapping[str, tuple[int, ...]]


@runtime_checkable
class Change(Protocol):
    """What makes weights of other arrays."""

    @property
    def names(self) -> tuple[str, ...]:
        """The weights that it makes."""

    @property
    def sources(self) -> tuple[str, ...]:
        """What it reads."""

    def values(self, arrays: Sequence[Any], shapes: Shapes) -> dict[str, Any]:
        """By name. Raises ValueError for one that has not the shape of its parameter."""


Changes = Mapping[str, Change]
NO_CHANGES: Changes = MappingProxyType({})


def changed(weights: Mapping[str, Any], changes: Changes, shapes: Shapes) -> dict[str, Any]:
    """The weights, with those that are made in the place of what they are made of."""
    read = read_by(changes)
    kept = {name: array for name, array in weights.items() if name not in read}
    for change in changes.values():
        kept |= change.values([weights[name] for name in change.sources], shapes)
    return kept


def read_by(changes: Changes) -> list[str]:
    """All that the changes read."""
    return [name for change in changes.values() for name in change.sources]
