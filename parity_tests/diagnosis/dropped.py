"""Dropout that is left on: some numbers are zero, and all others larger by one factor."""

import numpy as np

from parity_tests.diagnosis.place import Place, same
from parity_tests.diagnosis.search import Difference, Explanation


def dropouts(place: Place) -> list[Explanation]:
    """Of all that the candidate has, or of one of two terms of a sum."""
    if place.ours.shape != place.theirs.shape:
        return []
    pairs = [(np.zeros_like(place.ours), place.ours)]
    known = [item.array for item in place.alike()]
    pairs += [(place.ours - term, term) for term in known if not same(term, place.ours, place.tolerance)]
    for rest, term in pairs:
        if (
            rate := _rate(term, place.theirs - rest, place.tolerance * np.abs(place.theirs).max())
        ) is not None:
            return [(Difference("dropout", f"{rate:.4g}", "off"),)]
    return []


def _rate(term: np.ndarray, left: np.ndarray, allowed: float) -> float | None:
    told = np.abs(term) > 1e3 * allowed  # of others zero and larger cannot be told apart
    kept = told & (np.abs(left) > allowed)
    dropped = told & ~kept
    if min(kept.sum(), dropped.sum()) < 3:
        return None
    factors = left[kept] / term[kept]
    factor = float(np.median(factors))
    if factor <= 1 or np.abs(left - np.where(kept, factor * term, 0))[told].max() > allowed:
        return None
    share, rate = dropped.sum() / told.sum(), 1 - 1 / factor
    return rate if abs(share - rate) < 6 * np.sqrt(rate * (1 - rate) / told.sum()) else None
