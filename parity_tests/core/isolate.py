"""Isolation: which pieces of two models diverge by themselves, and which are only downstream of one.

A tap divides a model: forced to hand on the reference's value, it stops all errors made before it. So the
error that the next tap reads was made between the two; it is isolated. In a free run errors add up instead.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from parity_tests.core.compare import errors, magnitudes
from parity_tests.core.trace import Trace

VERDICTS = ("matches", "downstream", "earlier", "diverges")  # from best to worst
MISSING = (float("inf"), float("inf"))  # the errors of what was not computed


@dataclass(frozen=True)
class TapError:
    """A tap, or an output of the model (``check`` is "forward", and ``axes`` empty), and its two errors.

    Both errors are relative to the largest magnitude of the reference tensor. ``verdict`` is "diverges" where
    the isolated one is beyond the bound; "earlier" where it is, but the part read other values already, so
    that the mistake lies before it, where nothing is compared; "downstream" where only the cumulative one is
    beyond the bound, "matches" elsewhere. Fields as in the JSON report.
    """

    kind: str
    name: str
    axes: str
    block: str
    cumulative: float
    isolated: float
    bound: float
    verdict: str

    @property
    def name_in_block(self) -> str:
        return self.name.removeprefix(self.block).lstrip("./ ") or "output"


@dataclass(frozen=True)
class Block:
    """The places of one block in execution order. It is as bad as the worst of them."""

    name: str
    tap_errors: list[TapError]

    @property
    def cumulative(self) -> float:
        return max(tap.cumulative for tap in self.tap_errors)

    @property
    def worst(self) -> TapError:
        """The place with the largest isolated error."""
        return max(self.tap_errors, key=lambda tap: tap.isolated)

    @property
    def verdict(self) -> str:
        return max((tap.verdict for tap in self.tap_errors), key=VERDICTS.index)


@dataclass(frozen=True)
class Isolation:
    """The tap errors of one model, named as in its `compare.Check`s, in execution order."""

    model: str
    dtype: str
    tap_errors: list[TapError]
    unheard: Mapping[str, str] = field(default_factory=dict)
    """Of a tap whose verdict is "earlier": where the mistake lies, in words."""

    @property
    def places(self) -> list[TapError]:
        """The tap errors, by their name up to version 0.1."""
        return self.tap_errors

    @property
    def blocks(self) -> list[Block]:
        """In the order in which each began."""
        names = dict.fromkeys(tap.block for tap in self.tap_errors)
        return [Block(name, [tap for tap in self.tap_errors if tap.block == name]) for name in names]


def isolate(
    reference: Trace, free: Trace, forced: Trace, bound: float, misread: Collection[str] = ()
) -> list[TapError]:
    """Each tap's errors, then each output's: cumulative in ``free``, isolated in ``forced``.

    ``free`` is what the candidate computed by itself, ``forced`` what it computed when each tap handed on
    the reference's value. ``misread`` are the taps of parts that read other values than the reference's in
    ``forced``. What a trace lacks, or has in another shape, has infinite error; a tap that the candidate
    lacks stops nothing, so the places after it read the errors before it too.
    """
    tap_errors = []
    for kind in ("tap", "forward"):
        truth = reference.arrays[kind]
        cumulative, isolated = (
            errors(truth, trace.arrays[kind], magnitudes(truth)) for trace in (free, forced)
        )
        for name in cumulative | isolated:
            _, total = cumulative.get(name, MISSING)
            _, own = isolated.get(name, MISSING)
            axes = (free.axes | reference.axes).get(name, "") if kind == "tap" else ""
            diverges = "earlier" if kind == "tap" and name in misread else "diverges"
            verdict = diverges if own > bound else "downstream" if total > bound else "matches"
            tap_errors.append(TapError(kind, name, axes, block_of(name), total, own, bound, verdict))
    return tap_errors


def block_of(name: str) -> str:
    """The block that a tap lies in: "bert/blocks.0" for "bert/blocks.0/attention/scores".

    It ends with the first numbered part, however a framework spells that ("layers_0", "layers/0"). Where none
    is numbered, it is what the last part lies in, as "attention" for "attention/scores"; a tap that lies in
    nothing is its own block. All calls of one part lie in one block.
    """
    match = re.match(r".*?[._/]\d+(?=[./ ]|$)|.+(?=[./])|.+", name)
    return match[0] if match else name
