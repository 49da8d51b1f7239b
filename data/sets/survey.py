"""Which split each row of a large corpus is in, from a few bytes a row: the rules of `rows` in arrays.

`KEY` bytes of a row's key, its length and its split are held: with what sorting takes, some 60 bytes, so that
a GB of memory is enough for 16 million documents.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from data.batches.pieces import size
from data.sets.rows import NAMES, Row
from data.sets.splitting import HELD_OUT, SHARE, key_of

KEY = 16  # bytes: by chance, two of a billion texts share as many once in 10^20 corpora
TRAIN = NAMES.index("train")
REPEATED, UNSCORED, ELSEWHERE = 8, 16, 32  # the last with the number of the other split


@dataclass(frozen=True, eq=False)
class Survey:
    """What becomes of each row, in order."""

    fates: UInt8[np.ndarray, " row"]
    """The number of its split in `NAMES`, or why it is left out."""
    sizes: Int64[np.ndarray, " row"]
    """Bytes of its text."""
    order: Int64[np.ndarray, " row"]
    """The rows by their keys."""
    training: int
    """Different texts that could be trained on, before some of them were held out."""

    def count(self) -> dict[str, int]:
        """The rows of each split."""
        return {name: int((self.fates == number).sum()) for number, name in enumerate(NAMES)}

    def bytes(self) -> int:
        """Of all that is in a split."""
        return int(self.sizes[self.fates < len(NAMES)].sum())

    def last(self, split: int, limit: int) -> Bool[np.ndarray, " row"]:
        """The rows of a split whose keys are the last, as many as fit into ``limit`` bytes; one at least."""
        rows = self.order[self.fates[self.order] == split][::-1]
        chosen = np.zeros(len(self.fates), bool)
        chosen[rows[: _fitting(self.sizes[rows], limit)]] = True
        return chosen


def survey(rows: Iterable[Row], scored: int) -> Survey:
    """Read the rows once. Of a held-out split no more than ``scored`` bytes stay, those of the first keys."""
    keys, named, sizes = bytearray(), bytearray(), array("q")
    for row in rows:
        keys += key_of(row.text)[:KEY]
        named.append(NAMES.index(row.split))
        sizes.append(size(row.text))
    order, groups = _sorted(keys)
    bytes_of = np.frombuffer(sizes, np.int64)
    fates, training = _fates(np.frombuffer(named, np.uint8), order, groups)
    for name in HELD_OUT:
        found = order[fates[order] == NAMES.index(name)]
        fates[found[_fitting(bytes_of[found], scored) :]] = UNSCORED
    return Survey(fates, bytes_of, order, training)


def _sorted(keys: bytearray) -> tuple[Int64[np.ndarray, " row"], Int64[np.ndarray, " row"]]:
    """The rows by their keys, those of one key as they came; and the rank of each row's key."""
    high, low = np.frombuffer(keys, ">u8").reshape(-1, 2).astype(np.uint64).T
    order = np.lexsort((low, high))
    differs = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
    groups = np.zeros(len(order), np.int64)
    groups[order[1:]] = np.cumsum(differs)
    return order, groups


def _fates(
    named: UInt8[np.ndarray, " row"], order: Int64[np.ndarray, " row"], groups: Int64[np.ndarray, " row"]
) -> tuple[UInt8[np.ndarray, " row"], int]:
    """`rows.apart` and `splitting.held_out` for rows without labels; and how many texts the latter sees."""
    first = order[np.flatnonzero(np.diff(groups[order], prepend=-1))]  # of each key
    split = np.full(len(first), TRAIN, np.uint8)  # of each key
    for name in ("validation", "test"):  # a text that both have is the test split's
        split[groups[named == NAMES.index(name)]] = NAMES.index(name)
    elsewhere, trained = split[groups] != named, split == TRAIN
    repeated = trained[groups] & (first[groups] != np.arange(len(groups)))
    missing = [name for name in HELD_OUT if not (split == NAMES.index(name)).any()]
    ours = np.flatnonzero(trained)  # by their keys
    count = int(SHARE * len(ours) + 0.5)
    for place, name in enumerate(missing):
        split[ours[place * count : (place + 1) * count]] = NAMES.index(name)
    fates = split[groups]
    fates[elsewhere] += ELSEWHERE
    fates[repeated] = REPEATED
    return fates, len(ours)


def _fitting(sizes: Int64[np.ndarray, " row"], limit: int) -> int:
    """How many of the first rows fit; one at least."""
    return max(1, int(np.searchsorted(np.cumsum(sizes), limit, "right")))
