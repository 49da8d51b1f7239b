"""What a part read, and where a mistake lies that its input shows already.

A part is blamed only if it read the reference's values. What it reads may come through functions, and
through parts that are not compared; then the mistake lies there, after the last part that was compared.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from parity_tests.core.order import find_order

HIDING = 1e9  # a magnitude from which on a number hides what it is added to


def misread(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray], bound: float) -> bool:
    """Whether the candidate's part read something that the reference's did not.

    A port may hand over its arguments in another order, others beside them, or axes in another order; so each
    floating array of the one that read fewer must be found among the other's. Masks that are added to scores
    say the same by many numbers, and are left out. Where one side read nothing that was heard, nothing is
    said.
    """
    few, many = sorted((_values(ours), _values(theirs)), key=len)
    return any(not any(find_order(other, array, bound)[1] for other in many) for array in few)


def region(name: str, compared: Sequence[str], heard: Mapping[str, Sequence[str]]) -> str:
    """In words, where a mistake lies that the part ``name`` read already.

    ``compared`` are the parts that were, in the order in which they ran, under the reference's names;
    ``heard`` has by side all parts that ran there, in their order, those that were compared by these names.
    """
    before = compared[: compared.index(name)]
    last = before[-1] if before else ""
    between = []
    for side, names in heard.items():
        start = names.index(last) + 1 if last in names else 0
        alone = [part for part in names[start : names.index(name)] if part not in compared]
        between += [f"{part} ({side})" for part in alone]
    unheard = (
        f"{', '.join(between)} there is not compared" if between else "what is there is no part of its own"
    )
    where = f"between {last} and it" if last else "before it"
    return f"What {name} reads is not the reference's already: look {where}; {unheard}."


def _values(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Those that were computed: more than one number, and none as large as those that hide."""
    return [array for array in arrays if array.size > 1 and np.abs(array).max() < HIDING]
