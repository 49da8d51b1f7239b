"""Isolation: which pieces of two models part by themselves, and which only inherit an earlier error.

A tap divides a model: forced to hand on the reference's value, it stops all errors made before it. So the
error that the next tap reads was made between the two; it is isolated. In a free run errors add up instead.
"""

import re
from dataclasses import dataclass

from parity_tests.core.compare import Record, errors, magnitudes

VERDICTS = ("agrees", "inherits", "parts")  # from best to worst
MISSING = (float("inf"), float("inf"))  # the errors of what was not computed


@dataclass(frozen=True)
class Place:
    """A tap, or an output of the model (``check`` is "forward", and ``axes`` empty), and its two errors.

    Both errors are relative to the largest magnitude of the reference tensor. ``verdict`` is "parts" where
    the isolated one is beyond the bound, "inherits" where only the cumulative one is, "agrees" elsewhere.
    Fields as in the JSON report.
    """

    check: str
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
    places: list[Place]

    @property
    def cumulative(self) -> float:
        return max(place.cumulative for place in self.places)

    @property
    def worst(self) -> Place:
        """The place with the largest isolated error."""
        return max(self.places, key=lambda place: place.isolated)

    @property
    def verdict(self) -> str:
        return max((place.verdict for place in self.places), key=VERDICTS.index)


@dataclass(frozen=True)
class Isolation:
    """All places of one model, named as in its `compare.Reading`s, in execution order."""

    model: str
    dtype: str
    places: list[Place]

    @property
    def blocks(self) -> list[Block]:
        """In the order in which each began."""
        names = dict.fromkeys(place.block for place in self.places)
        return [Block(name, [place for place in self.places if place.block == name]) for name in names]


def isolate(reference: Record, free: Record, forced: Record, bound: float) -> list[Place]:
    """Each tap's errors, then each output's: cumulative in ``free``, isolated in ``forced``.

    ``free`` is what the candidate computed by itself, ``forced`` what it computed when each tap handed on
    the reference's value. What a record lacks, or has in another shape, has infinite error; a tap that the
    candidate lacks stops nothing, so the places after it read the errors before it too.
    """
    places = []
    for check in ("tap", "forward"):
        truth = reference.arrays[check]
        cumulative, isolated = (
            errors(truth, record.arrays[check], magnitudes(truth)) for record in (free, forced)
        )
        for name in cumulative | isolated:
            _, total = cumulative.get(name, MISSING)
            _, own = isolated.get(name, MISSING)
            axes = (free.axes | reference.axes).get(name, "") if check == "tap" else ""
            verdict = "parts" if own > bound else "inherits" if total > bound else "agrees"
            places.append(Place(check, name, axes, block_of(name), total, own, bound, verdict))
    return places


def block_of(name: str) -> str:
    """The block that a tap lies in: "bert/blocks.0" for "bert/blocks.0/attention/scores".

    It ends with the first numbered part, however a framework spells that ("layers_0", "layers/0"). Where none
    is numbered, it is what the last part lies in, as "attention" for "attention/scores"; a tap that lies in
    nothing is its own block. All calls of one part lie in one block.
    """
    match = re.match(r".*?[._/]\d+(?=[./ ]|$)|.+(?=[./])|.+", name)
    return match[0] if match else name
