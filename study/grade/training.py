"""Dropout, by what a learner's module returns in training on the same input again and again."""

from typing import Any

import numpy as np

from parity_tests.runners.arrays import Inputs
from parity_tests.twins.inject import patched
from study.grade.mistakes import Mistake
from study.grade.reference import Reference
from torch_impl import attention

RATE = 0.25
DRAWS = {"single_head": 200, "multi_head": 200}  # where the mean of the outputs is the output without dropout
FEW = 4
SIGMA = 6.0  # standard errors: of some hundred numbers, none is further off by chance

_UNSCALED = Mistake(
    "the kept are not scaled up",
    "what your dropout keeps is not scaled up by 1 / (1 - rate)",
    "divide what is kept by 1 - rate, so that the mean stays what it is in evaluation",
    patched(attention, "masked_softmax", lambda original, *arguments: original(*arguments) * (1.0 - RATE)),
)


def draws_of(part: str) -> int:
    """How often a part is run in training."""
    return DRAWS.get(part, FEW)


def problem(
    draws: np.ndarray, output: np.ndarray, part: str, reference: Reference, module: Any, inputs: Inputs
) -> str:
    """What is wrong with the dropout; empty for nothing. ``output`` is what it returns in evaluation."""
    if not np.isfinite(draws).all():
        return "in training it returns numbers that are not finite"
    if (draws == draws[0]).all():
        same = "as in evaluation" if np.allclose(draws[0], output, rtol=1e-9, atol=1e-12) else "each time"
        return f"nothing is dropped in training: it returns the same {same}"
    if part not in DRAWS or _mean_is(draws, output):
        return ""
    if module is not None and _mean_is(draws, reference.output(module, inputs, (_UNSCALED,))):
        return f"{_UNSCALED.said}: {_UNSCALED.look}"
    return "with dropout the outputs are not the same on average as without"


def _mean_is(draws: np.ndarray, expected: np.ndarray) -> bool:
    deviation = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    return bool((np.abs(draws.mean(axis=0) - expected) <= SIGMA * deviation + 1e-9).all())
