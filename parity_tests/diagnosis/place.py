"""A place where two models part, and all that is known of it by numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Arrays = Mapping[str, np.ndarray]

# How near a recomputed array must come to be the one that a model computed, relative to its largest number.
TOLERANCES = {"float64": 1e-11, "float32": 2e-6}


@dataclass(frozen=True)
class Known:
    """An array that both models have, as all that came before was made the reference's."""

    name: str
    verb: str
    """What the part of this name does with it: it "reads" or "returns" it; an "input" is the model's."""
    array: np.ndarray

    @property
    def words(self) -> str:
        return f"the input {self.name}" if self.verb == "input" else f"what {self.name} {self.verb}"


@dataclass(frozen=True)
class Place:
    """What a part returns, or reads already (``before``), in the reference and in the candidate.

    Both are in the reference's axes, and the candidate's was computed of the reference's own values.
    """

    name: str
    before: bool
    ours: np.ndarray
    theirs: np.ndarray
    reads: Sequence[np.ndarray]
    """What the part reads, the same in both; nothing where the mistake lies before it."""
    known: Sequence[Known]
    """What was computed before, the nearest first; what the part reads is the first."""
    later: Sequence[Known]
    """What the reference computes later, and the candidate may have before."""
    weights: Arrays
    """The reference's parameters of this part, by the end of their names, with dots."""
    inputs: Arrays
    """The model's."""
    around: Sequence[Arrays] = ()
    """Of an array that no part returned: the parameters of each part that may have made it."""
    channels_last: bool = False
    """Whether the reference has images so."""
    dtype: str = "float64"

    @property
    def subject(self) -> str:
        return f"what {self.name} reads" if self.before else self.name

    @property
    def parameters(self) -> Sequence[Arrays]:
        """The part's own, or each group that may be."""
        return [self.weights] if self.weights else self.around

    @property
    def tolerance(self) -> float:
        return TOLERANCES[self.dtype]

    def is_ours(self, array: np.ndarray | None) -> bool:
        """Whether these are the reference's numbers."""
        return same(array, self.ours, self.tolerance)

    def is_theirs(self, array: np.ndarray | None) -> bool:
        """Whether these are the candidate's numbers."""
        return same(array, self.theirs, self.tolerance)

    def alike(self, most: int = 8) -> Iterator[Known]:
        """What is known and has the shape of what is asked for: no array twice, the nearest first."""
        found: list[Known] = []
        for known in self.known:
            if len(found) == most:
                return
            if known.array.shape == self.ours.shape and not any(
                np.array_equal(known.array, other.array) for other in found
            ):
                found.append(known)
                yield known

    def weight(self, *names: str, axes: int | None = None) -> np.ndarray | None:
        """The first of the part's own parameters of one of these names, and so many axes."""
        for name, array in self.weights.items():
            if name in names and axes in (None, array.ndim):
                return array
        return None


def same(computed: np.ndarray | None, target: np.ndarray, tolerance: float) -> bool:
    """Whether an array was recomputed: a shape that fits, and each number, relative to the largest."""
    if computed is None or computed.shape != target.shape:
        return False
    allowed = tolerance * float(np.nanmax(np.abs(target), initial=0.0))
    few = slice(None, 32)  # most hypotheses fail here, without a pass over all
    return all(
        bool(np.all((np.abs(ours - theirs) <= allowed) | (np.isnan(ours) & np.isnan(theirs))))
        for ours, theirs in ((computed.reshape(-1)[few], target.reshape(-1)[few]), (computed, target))
    )
