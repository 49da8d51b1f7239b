"""Which of a learner's parts compute what the reference computes somewhere, whatever their names and
layouts.
"""

from collections.abc import Mapping

import numpy as np

from study.grade.diagnose import SAME, error


def counterparts(theirs: Mapping[str, np.ndarray], ours: Mapping[str, np.ndarray]) -> dict[str, str | None]:
    """By the learner's part, in order of execution, the reference's tap that has the same numbers in any
    order.
    """
    known = {name: np.sort(array, axis=None) for name, array in ours.items()}
    return {
        name: next((tap for tap, numbers in known.items() if _same(numbers, np.sort(array, axis=None))), None)
        for name, array in theirs.items()
    }


def _same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return error(ours, theirs) < SAME
