"""What `pair.compare` is given, checked before anything runs; and what the models return, checked after."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parity_tests.core.trace import Trace
from torch_impl.convert import Row

EXAMPLE = '(Row("*/kernel", "*.weight", "i o -> o i"), Row("*/bias", "*.bias", "o -> o"))'


def checked_table(weights: Any) -> Sequence[Row]:
    """The table, which must be one: rows in a sequence, which is read more than once."""
    if isinstance(weights, Row) or not isinstance(weights, Sequence):
        raise TypeError(
            f"weights: {_shown(weights)} is no sequence of rows; give one, such as {EXAMPLE}; one row alone "
            "is (row,), and list(rows) keeps those of a generator"
        )
    if unfit := [row for row in weights if not isinstance(row, Row)]:
        raise TypeError(f"weights: {unfit[0]!r} is no Row; give a sequence of them, such as {EXAMPLE}")
    return weights


def exact_inputs(inputs: Any) -> dict[str, np.ndarray]:
    """The inputs by name as numpy."""
    if not isinstance(inputs, Mapping) or not all(isinstance(name, str) for name in inputs):
        raise TypeError(
            f"inputs: {_shown(inputs)} is no dictionary of arrays by the names of the models' arguments; "
            'give one, such as {"x": x}'
        )
    if not inputs:
        raise ValueError(
            'inputs: there are none; give arrays by the names of the models\' arguments, such as {"x": x}'
        )
    return {name: _exact(name, array) for name, array in inputs.items()}


def match_outputs(ours: Trace, theirs: Trace, reference: str, candidate: str) -> None:
    """Bring the candidate's outputs under the reference's names: where there is one, or all sizes differ.

    Raises ValueError where one returned what the other did not. It is not left out, as all outputs of a
    model take part in its gradients.
    """
    left, right = ours.arrays["forward"], theirs.arrays["forward"]
    if left.keys() == right.keys():
        return
    sizes, others = ({array.size: name for name, array in side.items()} for side in (left, right))
    if len(left) == len(right) == 1:
        theirs.arrays["forward"] = dict(zip(left, right.values(), strict=True))
    elif sizes.keys() == others.keys() and len(left) == len(right) == len(sizes):
        theirs.arrays["forward"] = {name: right[others[size]] for size, name in sizes.items()}
    else:
        raise ValueError(
            f"{reference} returned {', '.join(left)}, and {candidate} {', '.join(right)}: give one of them a "
            "`call` that returns what the other does, such as lambda model, x: model(x).logits"
        )


def _exact(name: str, value: Any) -> np.ndarray:
    """An input as numpy, the floating ones in float64, from which every dtype is made."""
    if hasattr(value, "detach"):
        raise TypeError(f"input {name!r} is a tensor: give a numpy array, as by .detach().cpu().numpy()")
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"input {name!r} is {value!r}: give an array of numbers; what is none can be said in `call`, "
            "such as lambda model, x: model(x, mask=None)"
        )
    floating = np.issubdtype(array.dtype, np.floating)
    return array.astype(np.float64 if floating else array.dtype.newbyteorder("="))


def _shown(value: Any) -> str:
    """A value in an error: how it begins, and its type."""
    text = repr(value)
    return f"{text[:60]}{'...' if len(text) > 60 else ''} ({type(value).__name__})"
