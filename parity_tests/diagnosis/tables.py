"""A row of a table for each id or position: which rows the candidate takes, and what becomes of them."""

import numpy as np

from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Difference, Explanation


def rows(place: Place) -> list[Explanation]:
    """An embedding whose rows are others, of other positions or left out, or times a factor."""
    tables = [array for array in place.weights.values() if array.ndim == 2]
    if len(place.weights) != 1 or not tables or place.ours.shape[-1:] != tables[0].shape[1:]:
        return []
    table = tables[0]
    ours, theirs = (array.reshape(-1, table.shape[1]) for array in (place.ours, place.theirs))
    if ours.shape != theirs.shape or (right := _found(ours, table, place.tolerance)) is None:
        return []
    if (other := _found(theirs, table, place.tolerance)) is not None:
        steps = set((other - right).tolist())
        if len(steps) == 1:
            return [(Difference("rows of the table", f"{steps.pop():+d}", "as they are"),)]
    if (factor := _factor(ours, theirs, place.tolerance)) is not None:
        return [(Difference("rows of the table", f"times {factor:.6g}", "as they are"),)]
    missing = ~theirs.any(axis=1)
    kept_right = np.abs(theirs - ours)[~missing].max(initial=0.0) <= place.tolerance * np.abs(ours).max()
    ids = set(right[missing].tolist())
    if missing.any() and kept_right and len(ids) == 1 and not set(right[~missing].tolist()) & ids:
        return [(Difference(f"row {ids.pop()} of the table", "zero", "as it is"),)]
    return []


def _found(array: np.ndarray, table: np.ndarray, tolerance: float) -> np.ndarray | None:
    """The number of the row that each is, None where one is none."""
    nearest = np.array([np.abs(table - row).sum(-1).argmin() for row in array])
    apart = np.abs(table[nearest] - array).max(initial=0.0)
    return nearest if apart <= tolerance * np.abs(table).max() else None


def _factor(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> float | None:
    factor = float((ours * theirs).sum() / np.square(ours).sum())
    return factor if np.abs(theirs - factor * ours).max() <= tolerance * np.abs(theirs).max() else None
