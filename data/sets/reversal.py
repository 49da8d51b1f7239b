"""A toy task for models that translate: a sequence of symbols, and the same backwards.

A sequence whose symbols, counted from 0, add up to a multiple of their number is held out: it is in no
training batch, and the evaluation holds no other.
"""

import numpy as np

from data.batches.next_token import in_turn
from data.batches.seq2seq import Seq2SeqBatch
from data.batches.shuffle import FIXED_REVERSAL, REVERSAL, check_seed, random_bits
from data.errors import DataError

PAD, BEGIN, END, FIRST_SYMBOL = range(4)


class ReversalBatches:
    """An endless stream of batches for training; `stream(step)` reaches any step at once.

    Lengths are drawn evenly from ``shortest`` to ``longest``, symbols from ``symbols`` of them.
    """

    def __init__(self, symbols: int, shortest: int, longest: int, batch: int, seed: int) -> None:
        """Raise `DataError` on sizes that make no sequences, or a seed that is out of range."""
        _check(symbols, shortest, longest, batch)
        check_seed(seed)
        self.sizes, self.batch, self.seed = (symbols, shortest, longest), batch, seed

    def stream(self, step: int) -> Seq2SeqBatch:
        """Return the batch of `step`, counted from 0."""
        if step < 0:
            raise DataError(f"step={step}: steps are counted from 0; give 0 or more.")
        bits = random_bits(self.seed, step, REVERSAL)
        symbols = np.uint64(self.sizes[0])
        remainders = 1 + bits.random_raw(self.batch) % (symbols - np.uint64(1))
        return _draw(bits, remainders, *self.sizes)


def reversal_evaluation(
    symbols: int, shortest: int, longest: int, rows: int, batch: int
) -> list[Seq2SeqBatch]:
    """Return `rows` held-out sequences of a fixed draw; the last batch may have fewer rows.

    Raises:
        DataError: sizes that make no sequences.
    """
    _check(symbols, shortest, longest, batch)
    whole = _draw(random_bits(0, 0, FIXED_REVERSAL), np.zeros(rows, np.uint64), symbols, shortest, longest)
    parts = in_turn(rows, batch)
    return [Seq2SeqBatch(*(array[part] for array in whole)) for part in parts]


def _check(symbols: int, shortest: int, longest: int, batch: int) -> None:
    if symbols < 2:
        raise DataError(f"symbols={symbols}: of one symbol every sequence is held out; give 2 or more.")
    if not 1 <= shortest <= longest:
        raise DataError(f"lengths from {shortest} to {longest}: give 1 or more, the shorter first.")
    if batch < 1:
        raise DataError(f"batch={batch}: a batch has at least one row; give 1 or more.")


def _draw(
    bits: np.random.Philox, remainders: np.ndarray, symbols: int, shortest: int, longest: int
) -> Seq2SeqBatch:
    """Sequences whose symbols add up to these remainders of the division by their number."""
    rows, places = len(remainders), np.arange(longest)
    lengths = shortest + (bits.random_raw(rows) % np.uint64(longest - shortest + 1)).astype(np.int64)
    drawn = (bits.random_raw(rows * longest) % np.uint64(symbols)).astype(np.int64).reshape(rows, longest)
    mask = places < lengths[:, None]
    rest = np.where(mask, drawn, 0)[:, 1:].sum(axis=1)
    drawn[:, 0] = (remainders.astype(np.int64) - rest) % symbols  # as even a draw as that of the others
    source = np.where(mask, FIRST_SYMBOL + drawn, PAD).astype(np.int32)
    backwards = np.take_along_axis(source, (lengths[:, None] - 1 - places) % longest, axis=1)
    column = np.full((rows, 1), PAD, np.int32)
    labels = np.concatenate([backwards, column], axis=1)
    labels[np.arange(rows), lengths] = END
    target = np.concatenate([column + np.int32(BEGIN), backwards], axis=1)
    return Seq2SeqBatch(source, mask, target, labels, (labels != PAD).astype(np.float32))
