"""Which mistakes reproduce a learner's numbers: each planted in the reference, alone and in pairs.

What matches nothing is never given a name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from parity_tests.runners.arrays import Inputs
from study.grade.block_mistakes import BLOCK
from study.grade.mistakes import ATTENTION, Mistake
from study.grade.model_mistakes import MODEL
from study.grade.reference import Reference
from study.grade.weights import Reading

MISTAKES = (*ATTENTION, *BLOCK, *MODEL)
SAME = 1e-9  # relative to the largest number: two float64 programs of one formula differ by less
SINGLE = 1e-5  # the same where the learner computes in float32 somewhere
PAIRED = 2  # readings of the weights under which pairs are tried
# What is raised where shapes do not allow a mistake.
IMPOSSIBLE = (RuntimeError, ValueError, IndexError, TypeError, AttributeError)

Outputs = Mapping[str, np.ndarray]
Mistakes = tuple[Mistake, ...]  # planted one upon the other


@dataclass(frozen=True)
class Cases:
    """What a learner was asked and what came back, by case."""

    inputs: Mapping[str, Inputs]
    outputs: Outputs


@dataclass(frozen=True)
class Diagnosis:
    """A way to read the weights, and the sets of mistakes that reproduce the numbers under it."""

    reading: Reading
    mistakes: tuple[Mistakes, ...]


def error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, relative to the largest number of ours; infinite for other shapes.

    Numbers that are not finite are left out, on either side: that there are some is told apart.
    """
    if ours.shape != theirs.shape:
        return np.inf
    known = np.isfinite(ours) & np.isfinite(theirs)
    if not known.any():
        return np.inf
    return float(np.abs(ours - theirs)[known].max() / max(np.abs(ours)[known].max(), 1e-30))


def distance(reference: Reference, module: Any, cases: Cases, mistakes: Mistakes = ()) -> float:
    """The largest error over the cases; no more are tried after one that is beyond `SINGLE`.

    ``module`` is the reference with its weights. Infinite where the mistakes cannot be in this part.
    """
    worst = 0.0
    shown = {case: output for case, output in cases.outputs.items() if np.isfinite(output).any()}
    if not shown:
        return np.inf
    for case, output in shown.items():
        try:
            found = reference.output(module, cases.inputs[case], mistakes)
        except IMPOSSIBLE:
            return np.inf
        worst = max(worst, error(output, found))
        if worst > SINGLE:
            break
    return worst


def right_reading(
    reference: Reference, readings: list[Reading], weights: Outputs, cases: Cases
) -> tuple[Reading | None, float]:
    """The first reading of the weights by which the reference computes what the learner does, and how far
    the two are apart.

    Where the learner has numbers that are not finite, the others are meant.
    """
    for reading in readings:
        if (off := distance(reference, loaded(reference, reading, weights), cases)) < SINGLE:
            return reading, off
    return None, np.inf


def diagnose(
    reference: Reference,
    readings: list[Reading],
    weights: Outputs,
    cases: Cases,
    watch: Callable[[str], None] = lambda words: None,
    most: int = 2,
) -> Diagnosis | None:
    """The fewest mistakes, one or two, that reproduce the learner's outputs under the first reading that
    allows it.
    """
    for reading, sets in _tries(reference, readings, weights, cases, watch, most):
        module = loaded(reference, reading, weights)
        found = [one for one in sets if distance(reference, module, cases, one) < SAME]
        if found:
            return Diagnosis(reading, tuple(found))
    return None


def _tries(
    reference: Reference,
    readings: list[Reading],
    weights: Outputs,
    cases: Cases,
    watch: Callable[[str], None],
    most: int,
) -> Iterator[tuple[Reading, list[Mistakes]]]:
    """What is tried, in turn: each mistake under the likeliest reading; then those that can be in this
    part, under the others and in pairs.
    """
    every = [one for one in MISTAKES if not one.gradients]
    watch(f"trying {len(every)} mistakes")
    yield readings[0], [(one,) for one in every]
    possible = applicable(reference, loaded(reference, readings[0], weights), cases, every)
    for reading in readings[1:]:
        yield reading, [(one,) for one in possible]
    if most == 2:
        # In both orders, as one can hide the other.
        pairs: list[Mistakes] = [pair for one in combinations(possible, 2) for pair in (one, one[::-1])]
        watch(f"trying {len(pairs):,} pairs of mistakes")
        for reading in readings[:PAIRED]:
            yield reading, pairs


def loaded(reference: Reference, reading: Reading, weights: Outputs) -> Any:
    """The reference with a learner's weights."""
    return reference.loaded(reference.completed(reading.forwards(weights)))


def applicable(reference: Reference, module: Any, cases: Cases, mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Those that change what the part computes."""
    inputs = {case: cases.inputs[case] for case in cases.outputs}
    healthy = {case: reference.output(module, given) for case, given in inputs.items()}

    def changes(mistake: Mistake) -> bool:
        """Whether it can be in this part, and shows in a case."""
        try:
            return any(
                error(healthy[case], reference.output(module, given, (mistake,))) > SAME
                for case, given in inputs.items()
            )
        except IMPOSSIBLE:
            return False

    return [one for one in mistakes if changes(one)]
