"""Windows -> batches for a model that predicts the next token, as a pure function of seed and step."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from data.batches.shuffle import Epochs
from data.batches.windows import Windows
from data.errors import DataError


class NextTokenBatch(NamedTuple):
    """Full windows of tokens: no padding, so no mask."""

    ids: Int32[np.ndarray, "batch position"]
    labels: Int32[np.ndarray, "batch position"]  # the token after each


class NextTokenBatches:
    """An endless stream of batches for training; `stream(step)` reaches any step at once.

    Epochs are those of `TrainBatches`: no window occurs twice in one.
    """

    def __init__(self, windows: Windows, batch: int, seed: int) -> None:
        """Raise `DataError` unless there are `batch` windows or more."""
        self.windows = windows
        self._epochs = Epochs(np.zeros(len(windows), np.int64), batch, seed)
        self.steps_per_epoch = self._epochs.steps

    def stream(self, step: int) -> NextTokenBatch:
        """Return the batch of `step`, counted from 0 and on through the epochs."""
        rows = self._epochs.rows(step)
        return NextTokenBatch(self.windows.ids[rows], self.windows.labels[rows])


def next_token_evaluation(windows: Windows, batch: int) -> list[NextTokenBatch]:
    """Return each window once, in order; the last batch may have fewer rows.

    Raises:
        DataError: `batch` is below 1.
    """
    return [NextTokenBatch(windows.ids[rows], windows.labels[rows]) for rows in in_turn(len(windows), batch)]


def in_turn(rows: int, batch: int) -> list[slice]:
    """Return the rows of each evaluation batch.

    Raises:
        DataError: `batch` is below 1.
    """
    if batch < 1:
        raise DataError(f"batch={batch}: a batch has at least one row; give 1 or more.")
    return [slice(first, first + batch) for first in range(0, rows, batch)]
