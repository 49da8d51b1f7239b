"""Random order and random choice from (seed, number): the same for good, under every numpy.

Only raw bits are drawn: numpy promises the same bits in every version, but not the same shuffle.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Int32, Int64

from data.errors import DataError

# What the bits are for: the last word of the counter, so that no two uses share any.
ORDER, WORD_DROPOUT, MASKING, FIXED_MASKING, REVERSAL, FIXED_REVERSAL, SPLIT, LABELS = range(8)


def random_bits(seed: int, number: int, purpose: int) -> np.random.Philox:
    """Return the source of bits of one (seed, number, purpose)."""
    return np.random.Philox(key=np.array([seed, number], np.uint64), counter=[0, 0, 0, purpose])


def permutation(bits: np.random.Philox, size: int) -> Int64[np.ndarray, " row"]:
    """Return 0 to `size` - 1 in an order drawn from `bits`."""
    return np.argsort(bits.random_raw(size), kind="stable")


def below(share: float) -> np.uint64:
    """Return the number that a 64-bit draw is below with probability `share`."""
    return np.uint64(round(share * 2**64))


def check_seed(seed: int) -> None:
    """Refuse a seed that is not 0 to 2**64 - 1 by `DataError`."""
    if not 0 <= seed < 2**64:
        raise DataError(f"seed={seed} is outside 0 to 2**64 - 1; choose one within.")


class Epochs:
    """Which rows the batch of each step holds; `rows(step)` reaches any step at once.

    An epoch is `steps` full batches, shuffled anew from (seed, epoch). No row occurs in it twice; the
    remainder of rows / batch, drawn anew each epoch, sits out. Rows of one group share a batch, but
    the last few of a group join those of the next.
    """

    def __init__(self, groups: Int64[np.ndarray, " row"], batch: int, seed: int) -> None:
        """Raise `DataError` unless there are `batch` rows or more and the seed is in range."""
        if not 1 <= batch <= len(groups):
            raise DataError(
                f"batch={batch} of {len(groups)} training examples; choose a batch of 1 to {len(groups)}."
            )
        check_seed(seed)
        self.groups, self.batch, self.seed = groups, batch, seed
        self.steps = len(groups) // batch
        self._epoch = lru_cache(maxsize=1)(self._plan)  # once an epoch, not at each of its steps

    def rows(self, step: int) -> Int32[np.ndarray, " batch"]:
        """Return the rows of `step`, counted from 0 and on through the epochs."""
        if step < 0:
            raise DataError(f"step={step}: steps are counted from 0; give 0 or more.")
        epoch, place = divmod(step, self.steps)
        return self._epoch(epoch)[place]

    def _plan(self, epoch: int) -> Int32[np.ndarray, "steps batch"]:
        bits = random_bits(self.seed, epoch, ORDER)
        kept = permutation(bits, len(self.groups))[: self.steps * self.batch]
        by_group = kept[np.argsort(self.groups[kept], kind="stable")]
        plan = by_group.reshape(self.steps, self.batch).astype(np.int32)
        return plan[permutation(bits, self.steps)]
