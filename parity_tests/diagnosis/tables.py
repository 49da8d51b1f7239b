"""A row of a table for each id or position: which rows the candidate takes, and what becomes of them."""

import numpy as np

from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Difference, Explanation

LISTED = 6  # rows that are named


def rows(place: Place) -> list[Explanation]:
    """An embedding whose rows are others, left out, or times a factor."""
    for weights in place.parameters:
        tables = [array for array in weights.values() if array.ndim == 2]
        if len(weights) == 1 and tables and place.ours.shape[-1:] == tables[0].shape[1:]:
            table = tables[0]
            ours, theirs = (array.reshape(-1, table.shape[1]) for array in (place.ours, place.theirs))
            if (taken := _taken(ours, table, place.tolerance)) is not None:
                return _compared(ours, theirs, taken, table, place.tolerance)
    return []


def _compared(
    ours: np.ndarray, theirs: np.ndarray, taken: np.ndarray, table: np.ndarray, tolerance: float
) -> list[Explanation]:
    """The candidate's rows beside the reference's, of which ``taken`` has the numbers."""
    if (other := _taken(theirs, table, tolerance)) is not None:
        steps = {int(step) for step in other - taken}
        if len(steps) == 1:
            return [(Difference("rows of the table", f"{steps.pop():+d}", "as they are"),)]
        apart = np.flatnonzero(other != taken)[:LISTED]
        names = (f"{' '.join(map(str, rows[apart]))} ..." for rows in (other, taken))
        return [(Difference("rows of the table", *names),)]
    factor = float((ours * theirs).sum() / np.square(ours).sum())
    if factor and np.abs(theirs - factor * ours).max() <= tolerance * np.abs(theirs).max():
        return [(Difference("factor of the table", f"{factor:.6g}", "1"),)]
    zero = ~theirs.any(axis=1)
    kept = np.abs(theirs - ours)[~zero].max(initial=0.0) <= tolerance * np.abs(ours).max()
    ids = {int(row) for row in taken[zero]}
    if zero.any() and kept and len(ids) == 1 and not ids & {int(row) for row in taken[~zero]}:
        return [(Difference(f"row {ids.pop()} of the table", "zero", "as it is"),)]
    return []


def _taken(array: np.ndarray, table: np.ndarray, tolerance: float) -> np.ndarray | None:
    """The number of the row that each is, None where one is none."""
    nearest = np.array([np.abs(table - row).sum(-1).argmin() for row in array])
    apart = np.abs(table[nearest] - array).max(initial=0.0)
    return nearest if apart <= tolerance * np.abs(table).max() else None
