"""What must hold exactly, whatever the weights: nothing leaks from what a mask hides, or from what comes
later.
"""

from collections.abc import Mapping

import numpy as np

from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs
from study.grade.calls import UPTO
from study.grade.parts import ANY, CAUSAL, PADDED, POSITION, SIZES, Part

SEEN = 4  # positions whose outputs must not depend on what follows
LATER, CUT, HIDDEN = "what follows is changed", "the gradient of the first outputs", "the padding is changed"


def cases(part: Part, asked: Mapping[str, Inputs]) -> dict[str, Inputs]:
    """More inputs, beside those that a part is asked with anyway."""
    found: dict[str, Inputs] = {}
    name = "ids" if "ids" in part.arguments else "x"
    if name not in part.arguments:
        return found
    causal = asked.get(CAUSAL, asked[ANY] if part.name == "gpt" else None)
    if causal is not None:
        found[LATER] = {**causal, name: _changed(causal[name], np.arange(POSITION)[None] < SEEN)}
        found[CUT] = {**causal, UPTO: np.zeros(SEEN)}
    if PADDED in asked:
        padded = asked[PADDED]
        found[HIDDEN] = {**padded, name: _changed(padded[name], real_positions(padded))}
    return found


def _changed(array: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Other vectors or tokens where not kept."""
    if array.dtype == np.int32:
        return np.where(kept, array, (array + 5) % SIZES["vocab"]).astype(np.int32)
    return np.where(kept[..., None], array, 3.0 - 2.0 * array)


def real_positions(asked: Inputs) -> np.ndarray:
    """(batch, position), True where a padding mask shows a token."""
    mask = asked["mask"]
    return mask if mask.ndim == 2 else mask.reshape(len(mask), -1, POSITION)[:, -1]


def leaks_later(traces: Mapping[str, Trace]) -> float | None:
    """How much the first outputs change with what follows; None where it was not asked."""
    base = traces.get(CAUSAL, traces.get(ANY))
    if LATER not in traces or base is None:
        return None
    return _apart(_output(base)[:, :SEEN], _output(traces[LATER])[:, :SEEN])


def gradient_later(traces: Mapping[str, Trace], positions: np.ndarray | None) -> float | None:
    """The largest gradient of the first outputs by what follows: inputs, or rows of the table of
    positions.
    """
    if CUT not in traces:
        return None
    inputs = traces[CUT].arrays.get("input gradient", {})
    if "x" in inputs:
        return _largest(inputs["x"][:, SEEN:])
    return None if positions is None else _largest(positions[SEEN:])


def leaks_padding(traces: Mapping[str, Trace], asked: Mapping[str, Inputs]) -> float | None:
    """How much the outputs of real tokens, or of the whole row, change with the padding."""
    if HIDDEN not in traces or PADDED not in traces:
        return None
    first, second = _output(traces[PADDED]), _output(traces[HIDDEN])
    if first.ndim == 3:
        real = real_positions(asked[PADDED])
        first, second = first[real], second[real]
    return _apart(first, second)


def _output(trace: Trace) -> np.ndarray:
    return trace.arrays["forward"]["output"]


def _apart(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """None where there are numbers that are not finite: they are told apart."""
    finite = np.isfinite(ours).all() and np.isfinite(theirs).all()
    return _largest(ours - theirs) if finite and ours.shape == theirs.shape else None


def _largest(array: np.ndarray) -> float:
    return float(np.abs(array).max(initial=0.0))
