"""Weights that are made of others when a model runs, so that gradients reach those that they are made of."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

Shapes = Mapping[str, tuple[int, ...]]


@runtime_checkable
class Change(Protocol):
    """What makes weights of one array."""

    @property
    def names(self) -> tuple[str, ...]:
        """The weights that it makes."""

    def values(self, array: Any, shapes: Shapes) -> dict[str, Any]:
        """By name. Raises ValueError for one that has not the shape of its parameter."""


Changes = Mapping[str, Change]
NO_CHANGES: Changes = MappingProxyType({})


def changed(weights: Mapping[str, Any], changes: Changes, shapes: Shapes) -> dict[str, Any]:
    """The weights, with those that are made in the place of what they are made of."""
    kept = {name: array for name, array in weights.items() if name not in changes}
    for name, change in changes.items():
        kept |= change.values(weights[name], shapes)
    return kept
