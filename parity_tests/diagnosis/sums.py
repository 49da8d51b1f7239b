"""What is added to what: residual connections, factors, and an array taken in the place of another."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from parity_tests.diagnosis.place import Known, Place, same
from parity_tests.diagnosis.search import Difference, Explanation

MOST_TERMS, MOST_KNOWN, FEWEST_NUMBERS = 3, 14, 16


def sums(place: Place) -> list[Explanation]:
    """Both as the sum of few known arrays, each times a factor."""
    if place.ours.size < FEWEST_NUMBERS:
        return []
    known = _distinct(place.known, place.ours)
    ours = _terms(place, known, place.ours)
    if not ours:
        return []
    theirs = _terms(place, _distinct([*place.known, *place.later], place.ours), place.theirs)
    return [(Difference("sum", other, ours[0]),) for other in theirs if other != ours[0]]


def _distinct(known: Sequence[Known], like: np.ndarray) -> list[Known]:
    """Those that broadcast to a shape, no numbers twice: as a part returned them, where one did."""
    found: list[Known] = []
    for item in sorted(known, key=lambda item: item.verb != "returns"):  # stable: the nearest first
        array = item.array
        fits = array.ndim >= 2 and array.shape == like.shape[like.ndim - array.ndim :] and np.ptp(array) > 0
        if fits and not any(np.array_equal(array, other.array) for other in found):
            found.append(item)
    nearest = sorted(found, key=lambda item: [other is item for other in known].index(True))
    return nearest[:MOST_KNOWN]


def _terms(place: Place, known: Sequence[Known], target: np.ndarray) -> list[str]:
    """The sums of as few terms as possible that give the target, in words."""
    few = np.linspace(0, target.size - 1, min(target.size, 64)).astype(int)  # enough to tell which cannot
    arrays = [np.broadcast_to(item.array, target.shape) for item in known]
    wanted, columns = target.reshape(-1)[few], [array.reshape(-1)[few] for array in arrays]
    for count in range(1, MOST_TERMS + 1):
        found = []
        for chosen in combinations(range(len(known)), count):
            matrix = np.stack([columns[n] for n in chosen], axis=1)
            factors, _, rank, _ = np.linalg.lstsq(matrix, wanted, rcond=None)
            if rank < count or not same(matrix @ factors, wanted, place.tolerance):
                continue
            total = sum(factor * arrays[n] for factor, n in zip(factors, chosen, strict=True))
            if same(np.asarray(total), target, place.tolerance):
                found.append(_words(factors, [known[n].words for n in chosen]))
        if found:
            return found
    return []


def _words(factors: np.ndarray, terms: Sequence[str]) -> str:
    parts = []
    for factor, term in zip(factors, terms, strict=True):
        times = f"{factor:.6g}"
        parts.append(term if times == "1" else f"{times} × {term}")
    return " + ".join(reversed(parts))  # in the order in which they were computed
