"""Where two arrays part: which number, by the names of its axes, how far in units of the last place, NaN."""

import numpy as np


def place(ours: np.ndarray, theirs: np.ndarray, axes: str, dtype: str) -> str:
    """In words, of the reference's array and the candidate's: the first number that is not finite in one of
    them alone, or else the one that is furthest from the reference's.

    ``axes`` names the axes of taps that have names; one ULP is the distance from the reference's number to
    the next that ``dtype`` has.
    """
    mine, others = (np.flatnonzero(~np.isfinite(array)) for array in (ours, theirs))
    for array, found, known, side in ((theirs, others, mine, "candidate"), (ours, mine, others, "reference")):
        if new := np.setdiff1d(found, known).tolist():
            what = "NaN" if np.isnan(array.flat[new[0]]) else "infinity"
            count = f"{len(new):,} of {array.size:,} numbers"
            return f"{what} in the {side} alone: first at {_index(new[0], ours, axes)}, {count} not finite"
    with np.errstate(invalid="ignore"):
        apart = np.nan_to_num(np.abs(ours - theirs), nan=0.0, posinf=np.inf)
    worst = int(apart.argmax())
    left, right = float(ours.flat[worst]), float(theirs.flat[worst])
    gap = float(np.spacing(np.abs(np.array(left, dtype))))
    far = f", {apart.flat[worst] / gap:.1e} ULPs" if left else ""
    at = _index(worst, ours, axes)
    return f"furthest at {at}: {_apart(left, right)}{far}"


def _apart(left: float, right: float) -> str:
    """Two numbers, with as many digits as tell them apart, four or more."""
    digits = next(n for n in range(4, 18) if f"{left:.{n}g}" != f"{right:.{n}g}" or n == 17)
    return f"{left:.{digits}g} against {right:.{digits}g}"


def _index(flat: int, array: np.ndarray, axes: str) -> str:
    """The place of a number: "batch 1, query 3", or "[1, 3]" where axes have no names."""
    if array.size == 1:
        return "its only number"
    index = np.unravel_index(flat, array.shape)
    names = axes.split()
    if len(names) == array.ndim:
        return ", ".join(f"{name} {number}" for name, number in zip(names, index, strict=True))
    return f"[{', '.join(map(str, index))}]"
