"""Trying a table: what each part of the candidate gives with its weights on the reference's own inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from parity_tests.core.blame import misread
from parity_tests.core.compare import errors, magnitudes
from parity_tests.core.order import Order
from parity_tests.core.trace import Arrays, Trace
from parity_tests.map.link import Link, candidate_values
from parity_tests.map.parts import part_pairs
from parity_tests.pair_arguments import match_outputs
from parity_tests.pair_taps import Taps

OUTPUT = ""  # what is called so: all outputs of the model


@dataclass
class Trials:
    """A reference that has run with its weights, and a candidate that runs with what links make of them."""

    ours: Trace
    weights: Mapping[str, np.ndarray]
    reference: Any
    candidate: Any
    """Sides of a pair: what they compute is `run`. None for a reference that does not run again."""
    heard: Sequence[str]
    """The candidate's parts in the order of execution."""
    inputs: Mapping[str, np.ndarray]
    bound: float
    count: int = 0
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    """By the reference's name of a part and the candidate's, how the one's axes lie in the other's."""

    @cached_property
    def parts(self) -> list[str]:
        """The reference's, in the order of execution."""
        return [*self.ours.arrays["tap"]]

    def pairs(self, links: Sequence[Link]) -> dict[str, str]:
        """The parts that own the same weights, by the reference's names."""
        return part_pairs(links, self.parts, self.heard)

    def gradients(self, values: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The candidate's, with these weights."""
        return self.candidate.run(values, self.inputs, "float64").arrays["parameter gradient"]

    def reference_gradients(self, weights: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The reference's, with these weights; none where it does not run again."""
        if self.reference is None:
            return {}
        return self.reference.run(weights, self.inputs, "float64").arrays["parameter gradient"]

    def outcome(self, links: Sequence[Link], pairs: Mapping[str, str] | None = None) -> "Outcome":
        """What the candidate gives with the weights that these links make; ``pairs`` are theirs by default.

        All that comes before a part hands on what it does in the reference, where it is known how the axes
        lie. So the error is that part's own, of its own weights.
        """
        pairs, truth = self.pairs(links) if pairs is None else dict(pairs), self.ours.arrays["tap"]
        known = {
            name: self.orders[name, other] for name, other in pairs.items() if (name, other) in self.orders
        }
        forced = {pairs[name]: order.back(truth[name]) for name, order in known.items()}
        trace = self.candidate.run(candidate_values(links, self.weights), self.inputs, "float64", forced)
        self.count += 1
        found = Taps(self.ours, trace, pairs, self.bound, asked=False, orders=known).orders
        self.orders |= {(name, pairs[name]): order for name, order in found.items()}
        turned = {name: order.turn(trace.arrays["tap"][pairs[name]]) for name, order in found.items()}
        match_outputs(self.ours, trace, "the reference", "the candidate")
        apart = _relative({name: truth[name] for name in pairs}, turned)
        apart[OUTPUT] = max(_relative(self.ours.arrays["forward"], trace.arrays["forward"]).values())
        wrong = [name for name, error in apart.items() if error > self.bound]
        unready = [
            name
            for name in wrong
            if name != OUTPUT
            and misread(self.ours.reads.get(name, []), trace.reads.get(pairs[name], []), self.bound)
        ]
        return Outcome(apart, wrong, [name for name in wrong if name not in unready] or wrong[:1])


class Outcome(NamedTuple):
    """How far the candidate is from the reference, by the reference's names of parts."""

    errors: dict[str, float]
    """Relative to the largest magnitude; infinite where axes lie in no order that is known."""
    wrong: list[str]
    """Parts that do not agree."""
    ready: list[str]
    """Of these, the ones that read the reference's values; where all read others, the first."""


def _relative(ours: Arrays, theirs: Arrays) -> dict[str, float]:
    """By name, the largest error, relative to the largest magnitude; infinite for what one side lacks."""
    return {name: relative for name, (_, relative) in errors(ours, theirs, magnitudes(ours)).items()}
