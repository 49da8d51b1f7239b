"""Texts that share rows: a batch without padding, but for the ends of rows."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64

from data.batches.text import TextBatch
from data.tokenizers.word_piece import PAD_ID

SHAPES = 16  # rows come in multiples of a batch's texts / 16, so that there are few shapes


class PackedBatch(NamedTuple):
    """The texts of a `TextBatch`, each in one piece, several in a row; ``batch`` counts texts."""

    ids: Int32[np.ndarray, "row position"]
    mask: Bool[np.ndarray, "row position"]  # True at real tokens
    position_ids: Int32[np.ndarray, "row position"]  # of a token in its text; 0 at padding
    text_ids: Int32[np.ndarray, "row position"]  # which of the batch's texts; -1 at padding
    lengths: Int32[np.ndarray, " batch"]  # tokens of each text
    labels: Int32[np.ndarray, " batch"]
    rows: Int32[np.ndarray, " batch"]  # the example's index in its split; -1 in a filler row


def pack(batch: TextBatch) -> PackedBatch:
    """The same texts in as few rows of the same width as first-fit finds, the longest first."""
    lengths = batch.mask.sum(axis=1, dtype=np.int64)
    width = batch.ids.shape[1]
    row, begin = _first_fit(lengths, width)
    shape = _rounded(int(row.max()) + 1, len(lengths)), width
    text, position = np.nonzero(batch.mask)
    place = (row[text], begin[text] + position)
    ids, position_ids = np.full(shape, PAD_ID, np.int32), np.zeros(shape, np.int32)
    text_ids = np.full(shape, -1, np.int32)
    ids[place], position_ids[place], text_ids[place] = batch.ids[text, position], position, text
    return PackedBatch(
        ids, text_ids >= 0, position_ids, text_ids, lengths.astype(np.int32), batch.labels, batch.rows
    )


def rows_needed(lengths: Int64[np.ndarray, " batch"], width: int) -> int:
    """How many rows `pack` makes of texts of these lengths."""
    row, _ = _first_fit(lengths, width)
    return _rounded(int(row.max()) + 1, len(lengths))


def _first_fit(
    lengths: Int64[np.ndarray, " batch"], width: int
) -> tuple[Int64[np.ndarray, " batch"], Int64[np.ndarray, " batch"]]:
    """The row of each text, and where it begins there: the longest first, each in the first row with room."""
    free = np.full(len(lengths), width)
    row, begin = np.zeros(len(lengths), np.int64), np.zeros(len(lengths), np.int64)
    for text in np.argsort(-lengths, kind="stable"):
        row[text] = np.argmax(free >= lengths[text])
        begin[text] = width - free[row[text]]
        free[row[text]] -= lengths[text]
    return row, begin


def _rounded(rows: int, batch: int) -> int:
    """Up, for a batch of so many texts."""
    multiple = max(1, batch // SHAPES)
    return -(-rows // multiple) * multiple
