"""Each place where two models part by themselves, tried with all that is known to be done wrong."""

from collections.abc import Iterator, Sequence

import numpy as np

from parity_tests.diagnosis import attention
from parity_tests.diagnosis.batch_norms import batch_norms
from parity_tests.diagnosis.convolutions import convolutions
from parity_tests.diagnosis.dropped import dropouts
from parity_tests.diagnosis.finding import Finding
from parity_tests.diagnosis.functions import activations
from parity_tests.diagnosis.images import images
from parity_tests.diagnosis.linears import linears
from parity_tests.diagnosis.norms import norms
from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.rounding import roundings
from parity_tests.diagnosis.search import Explanation, Family, explanations
from parity_tests.diagnosis.stages import stages
from parity_tests.diagnosis.sums import sums
from parity_tests.diagnosis.tables import rows

MOST_PLACES, MOST_ALTERNATIVES = 24, 3

COMPUTATIONS = (
    norms,
    linears,
    activations,
    convolutions,
    images,
    attention.whole,
    attention.between,
    stages,
)
FAMILIES: tuple[Family, ...] = (batch_norms, rows, sums, roundings, dropouts)


def diagnose(places: Sequence[Place], framework: str) -> list[Finding]:
    """What was found, those with one explanation together. ``framework`` is the candidate's."""
    found: dict[tuple[Explanation, ...], list[str]] = {}
    for place in places[:MOST_PLACES]:
        if alternatives := explained(place):
            found.setdefault(tuple(alternatives), []).append(place.subject)
    return [Finding(subjects, alternatives, framework) for alternatives, subjects in found.items()]


def explained(place: Place) -> list[Explanation]:
    """The simplest explanations; none where there are so many that they say nothing."""
    found = [explanation for explanations in _tried(place) for explanation in explanations]
    fewest = min(map(len, found), default=0)
    simplest = list(dict.fromkeys(explanation for explanation in found if len(explanation) == fewest))
    return simplest if len(simplest) <= MOST_ALTERNATIVES else []


def _tried(place: Place) -> Iterator[list[Explanation]]:
    for computations in COMPUTATIONS:
        for computation in computations(place):
            yield explanations(computation, place)
    for family in FAMILIES if np.isfinite(place.theirs).all() else ():
        yield family(place)
