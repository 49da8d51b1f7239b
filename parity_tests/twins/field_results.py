"""What the field's rules make of an injected defect."""

from dataclasses import dataclass, replace

from parity_tests.core.compare import errors, magnitudes
from parity_tests.core.trace import Arrays
from parity_tests.twins.field_bounds import RULES
from parity_tests.twins.inject import Defect, jax_side, torch_side


@dataclass(frozen=True)
class FieldResult:
    """The outputs of one twin in float32, in evaluation mode: PyTorch's with the defect, Flax's without.

    Errors are absolute, as the rules have them; the largest over all outputs.
    """

    name: str
    magnitude: float
    """The largest number of the outputs."""
    healthy: float
    """The error without the defect."""
    injected: float
    """The error with it."""
    refused: tuple[str, ...]
    """The rules that refuse the healthy twin: they say nothing of the defect."""
    unnoticed: tuple[str, ...]
    """The rules that let the defect pass."""


def judge_defect(defect: Defect, seed: int = 0) -> FieldResult:
    """Judge the twin by every rule as it is, then with the defect injected.

    At the sizes, inputs and parameters of the twin's own check. Only outputs are looked at, with dropout off,
    whatever the defect is.
    """

    def outputs() -> Arrays:
        return torch_side(evaluated, seed).arrays["forward"]

    def largest_error(candidate: Arrays) -> float:
        return max(absolute for absolute, _ in errors(reference, candidate, units).values())

    evaluated = replace(defect, dtype="float32", in_training=False)
    _, _, healthy_side = jax_side(evaluated.twin, evaluated.dtype, seed, evaluated.in_training)
    reference = healthy_side.arrays["forward"]
    units = magnitudes(reference)
    healthy = outputs()
    with defect.inject():
        injected = outputs()
    return FieldResult(
        defect.name,
        max(units.values()),
        largest_error(healthy),
        largest_error(injected),
        tuple(rule.name for rule in RULES if not rule.passes(reference, healthy)),
        tuple(rule.name for rule in RULES if rule.passes(reference, injected)),
    )
