"""One part solved in both frameworks: whether the two agree, the second run with the first's weights."""

import numpy as np

from study.grade import process
from study.grade.diagnose import SAME, error
from study.grade.grade import request
from study.grade.result import Grade


def agreement(first: Grade, second: Grade) -> str:
    """A sentence. Both must be of one part; where one has no outputs, nothing can be said."""
    if first.part is not second.part:
        return f"Whether the two agree is not asked: one is {first.part.name}, the other {second.part.name}."
    if first.reading is None or second.reading is None or not first.outputs or not second.outputs:
        return "Whether the two agree cannot be said: one of them returns nothing that can be compared."
    carried = second.reading.backwards({**_own(second), **first.reading.forwards(first.weights)})
    weights = {name: carried.get(name, array) for name, array in second.weights.items()}
    again = process.run(
        request(second.file, second.name, second.framework, second.part), second.part.asked, weights
    )
    traces = {case: trace.arrays["forward"]["output"] for case, trace in again.traces.items()}
    apart = [error(first.outputs[case], traces[case]) for case in first.outputs if case in traces]
    if not apart:
        return (
            f"Whether the two agree cannot be said: {second.file.name} does not run with the other's weights."
        )
    worst = max(apart)
    how = f"with the same weights their outputs are within {worst:.0e} of each other"
    return f"The two agree: {how}." if worst < SAME else f"The two do not agree: {how}."


def _own(grade: Grade) -> dict[str, np.ndarray]:
    """A learner's weights in the reference's layout."""
    return grade.reading.forwards(grade.weights) if grade.reading else {}
