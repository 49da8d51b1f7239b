"""Encoded examples -> batches of numpy arrays, as a pure function of seed and step."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64

from data.batches.examples import Examples, check_examples
from data.batches.shuffle import WORD_DROPOUT, Epochs, below, random_bits
from data.errors import DataError
from data.tokenizers.word_piece import PAD_ID, UNK_ID


class TextBatch(NamedTuple):
    """Examples padded to one width. A filler row is one [PAD] token with label 0.

    Padding is id 0 under any tokenizer: the mask hides it.
    """

    ids: Int32[np.ndarray, "batch position"]
    mask: Bool[np.ndarray, "batch position"]  # True at real tokens; no row is all False
    labels: Int32[np.ndarray, " batch"]
    rows: Int32[np.ndarray, " batch"]  # the example's index in its split; -1 in a filler row


class TrainBatches:
    """An endless stream of full batches for training; `stream(step)` reaches any step at once.

    With `word_dropout`, that share of the tokens is replaced by `unknown`, the id of [UNK], other ones in
    every epoch, so that no single word can be relied on.

    An epoch is `steps_per_epoch` batches, shuffled anew from (seed, epoch). No example occurs in it
    twice; the remainder of examples / batch, drawn anew each epoch, sits out. A batch holds
    examples of one bucket, but the last few of a bucket join those of the next.
    """

    def __init__(
        self,
        examples: Examples,
        labels: Int32[np.ndarray, " example"],
        batch: int,
        seed: int,
        buckets: Sequence[int],
        word_dropout: float = 0.0,
        unknown: int | None = UNK_ID,
    ) -> None:
        """Raise `DataError` unless there are `batch` examples or more and each fits a bucket."""
        check_examples(examples, labels, max(buckets))
        if not 0.0 <= word_dropout < 1.0:
            raise DataError(f"word_dropout={word_dropout}: give a share from 0 up to, not including, 1.")
        if word_dropout and unknown is None:
            raise DataError(f"word_dropout={word_dropout}, but the tokenizer has no [UNK]: give 0.")
        self.examples, self.labels, self.batch = examples, labels, batch
        self.seed, self.buckets = seed, tuple(buckets)
        self.word_dropout, self.unknown = word_dropout, unknown
        self._widths = _widths(examples, buckets)
        self._lengths = np.array([len(ids) for ids in examples])
        self._epochs = Epochs(self._widths, batch, seed)
        self.steps_per_epoch = self._epochs.steps

    def stream(self, step: int) -> TextBatch:
        """Return the batch of `step`, counted from 0 and on through the epochs."""
        batch = _gather(self.examples, self.labels, self._epochs.rows(step), self._widths)
        return self._drop_words(batch, step) if self.word_dropout else batch

    def width(self, step: int) -> int:
        """The width of that batch, without the batch."""
        return int(self._widths[self._epochs.rows(step)].max())

    def lengths(self, step: int) -> Int64[np.ndarray, " batch"]:
        """How many tokens its texts have, without the batch."""
        return self._lengths[self._epochs.rows(step)]

    def _drop_words(self, batch: TextBatch, step: int) -> TextBatch:
        """Replace each real token by [UNK] with probability `word_dropout`, drawn from (seed, step)."""
        bits = random_bits(self.seed, step, WORD_DROPOUT)
        drawn = bits.random_raw(batch.ids.size).reshape(batch.ids.shape)
        assert self.unknown is not None  # or __init__ refused
        dropped = batch.mask & (drawn < below(self.word_dropout))
        return batch._replace(ids=np.where(dropped, np.int32(self.unknown), batch.ids))


def evaluation_batches(
    examples: Examples,
    labels: Int32[np.ndarray, " example"],
    batch: int,
    buckets: Sequence[int],
) -> list[TextBatch]:
    """Return batches that hold each example exactly once, from the narrowest bucket to the widest.

    Filler rows complete the first batch: there they are narrowest.

    Raises:
        DataError: there are no examples, one fits no bucket, or `batch` is below 1.
    """
    check_examples(examples, labels, max(buckets))
    if batch < 1:
        raise DataError(f"batch={batch}: a batch has at least one row; give 1 or more.")
    widths = _widths(examples, buckets)
    filler = np.full(-len(examples) % batch, -1)
    rows = np.concatenate([filler, np.argsort(widths, kind="stable")]).astype(np.int32)
    return [_gather(examples, labels, part, widths) for part in rows.reshape(-1, batch)]


def padding_fraction(batches: Iterable[TextBatch]) -> float:
    """Return the share of positions that hold no token of an example, from 0 to 1."""
    counts = [(int(batch.mask[batch.rows >= 0].sum()), batch.mask.size) for batch in batches]
    real, positions = np.sum(counts, axis=0)
    return float(1 - real / positions)


def _widths(examples: Examples, buckets: Sequence[int]) -> np.ndarray:
    """The bucket of each example: the smallest that holds it."""
    ascending = np.sort(np.asarray(buckets))
    return ascending[np.searchsorted(ascending, [len(ids) for ids in examples])]


def _gather(examples: Examples, labels: np.ndarray, rows: np.ndarray, widths: np.ndarray) -> TextBatch:
    filler = rows < 0
    shape = len(rows), widths[rows[~filler]].max()
    ids, mask = np.full(shape, PAD_ID, np.int32), np.zeros(shape, bool)
    for place in np.flatnonzero(~filler):
        example = examples[rows[place]]
        ids[place, : len(example)] = example
        mask[place, : len(example)] = True
    mask[filler, 0] = True
    return TextBatch(ids, mask, np.where(filler, 0, labels[rows]).astype(np.int32), rows.copy())
