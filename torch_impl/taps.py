"""Taps: a name and the axes for every intermediate worth looking at, given where it is computed.

A tap is a function ``(name, value, axes) -> value`` that is passed down the model. What it returns is
what the model goes on with, so one mechanism records (return the value as it came), compares, draws,
and intervenes (return another). `no_tap` is the default and costs nothing.
"""

from collections.abc import Callable

from torch import Tensor

Tap = Callable[[str, Tensor, str], Tensor]


def no_tap(name: str, value: Tensor, axes: str) -> Tensor:
    """Nobody records: the value passes through. ``axes`` names each dimension of ``value``."""
    return value


def within(tap: Tap, scope: str) -> Tap:
    """The same tap one level down: inside ``blocks.0``, "output" becomes "blocks.0/output"."""
    if tap is no_tap:
        return no_tap
    return lambda name, value, axes: tap(f"{scope}/{name}", value, axes)
