"""A study's model held together in both frameworks before it is trained."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.core.compare import first_divergence
from parity_tests.core.report import sentence
from parity_tests.twins.check import check_twin
from parity_tests.twins.inputs import Twin
from parity_tests.twins.registry import Pair
from train.proof.preflight import ParityError
from train.proof.quickly import quickly_compiled


def hold(
    name: str, pair: Pair, inputs: Mapping[str, np.ndarray], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Hold the pair together in float64 on these inputs: outputs, taps, gradients.

    Returns how many checks there were, and their largest relative error. Raises ParityError naming the first
    divergence.
    """
    twin = Twin(name, pair, lambda rng: dict(inputs), arguments, whole_model=True)
    with quickly_compiled():
        checks = check_twin(twin, "float64")
    if failed := first_divergence(checks):
        raise ParityError(f"the twins of {name} diverge, so nothing was trained: {sentence(failed)}")
    return {"checks": len(checks), "largest_error": max(check.max_rel_error for check in checks)}
