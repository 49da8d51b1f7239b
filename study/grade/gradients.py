"""A learner's gradients beside the reference's, by the reference's names."""

from collections.abc import Mapping

import numpy as np

from parity_tests.core.compare import errors, scales
from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs
from study.grade.diagnose import SAME
from study.grade.mistakes import ATTENTION, Mistake
from study.grade.reference import Reference
from study.grade.weights import Reading

SHOWN_IN_GRADIENTS = tuple(mistake for mistake in ATTENTION if mistake.gradients)
Arrays = dict[str, np.ndarray]


def ours(
    reference: Reference, params: Mapping[str, np.ndarray], inputs: Inputs, *mistakes: Mistake
) -> Arrays:
    """The reference's, of its inputs as the learner has them and of its parameters."""
    found = reference.trace(params, inputs, mistakes).arrays
    given = dict(found["input gradient"])
    if "context" in given:
        given["x"] = given["x"] + given.pop("context")  # one input is both
    return {**given, **found["parameter gradient"]}


def theirs(trace: Trace, reading: Reading) -> Arrays:
    """The learner's."""
    return {
        **trace.arrays.get("input gradient", {}),
        **reading.forwards(trace.arrays.get("parameter gradient", {})),
    }


def differing(expected: Arrays, found: Arrays) -> dict[str, bool]:
    """The names whose gradients differ, and whether the learner's is zero."""
    wanted = {name: expected[name] for name in found if name in expected}
    apart = errors(wanted, {name: found[name] for name in wanted}, scales("gradient", wanted, "float64"))
    return {name: not found[name].any() for name, (_, relative) in apart.items() if not relative < SAME}


def diagnosed(
    reference: Reference, params: Mapping[str, np.ndarray], inputs: Inputs, found: Arrays
) -> Mistake | None:
    """The mistake that reproduces a learner's gradients, where the outputs are right."""
    for mistake in SHOWN_IN_GRADIENTS:
        if not differing(ours(reference, params, inputs, mistake), found):
            return mistake
    return None
