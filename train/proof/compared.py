"""One twin compared with its mirror and with third parties, in one precision."""

from contextlib import nullcontext
from dataclasses import dataclass

from parity_tests.core.compare import Check, DType, all_passed
from parity_tests.core.isolate import Isolation
from parity_tests.twins.check import check_twin, find_twins, isolate_twin
from parity_tests.twins.references import REFERENCES, check_reference
from train import sources
from train.proof.quickly import quickly_compiled


@dataclass(frozen=True)
class Compared:
    """What came of it; it passes from one process to another."""

    checks: list[Check]
    isolations: list[Isolation]
    others: dict[int, list[Check]]
    """With third parties, by their number in the list of references."""
    code: dict[str, str] | None
    """The digests of our modules that were used (`sources.imported`)."""


def compared(name: str, dtype: DType, seed: int) -> Compared:
    """Hold the twin of this name together; where it fails, tell apart what diverges by itself.

    In float32 and bfloat16 XLA takes all its passes, as it does in a run.
    """
    (twin,) = find_twins(name)
    with quickly_compiled() if dtype == "float64" else nullcontext():
        checks = check_twin(twin, dtype, seed)
        isolations = [] if all_passed(checks) else isolate_twin(twin, checks, seed)
        others = {
            number: check_reference(reference, dtype, seed)
            for number, reference in enumerate(REFERENCES)
            if dtype != "bfloat16" and reference.twin.name == name
        }
    return Compared(checks, isolations, others, sources.imported())
