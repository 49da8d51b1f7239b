"""A symbol, noise of a length, and then the question which symbol it was."""

import numpy as np

from data.batches.shuffle import FIXED_REVERSAL, REVERSAL, random_bits
from study.questions.task import IGNORED, Rows

SYMBOLS, NOISE = 16, 16
QUESTION, VOCAB = SYMBOLS + NOISE, SYMBOLS + NOISE + 1


def draw(distance: int, rows: int, seed: int, step: int) -> Rows:
    """The batch of a step: ``distance`` tokens of noise, distance + 2 positions, asked at the last."""
    return _rows(distance, rows, random_bits(seed, step, REVERSAL))


def held_out(distance: int, rows: int) -> Rows:
    """A fixed draw."""
    return _rows(distance, rows, random_bits(0, 0, FIXED_REVERSAL))


def _rows(distance: int, rows: int, bits: np.random.Philox) -> Rows:
    drawn = bits.random_raw(rows * (distance + 1)).reshape(rows, distance + 1)
    symbols, noise = drawn[:, :1] % np.uint64(SYMBOLS), SYMBOLS + drawn[:, 1:] % np.uint64(NOISE)
    ids = np.concatenate([symbols, noise, np.full((rows, 1), QUESTION, np.uint64)], axis=1)
    labels = np.full(ids.shape, IGNORED, np.int32)
    labels[:, -1] = symbols[:, 0]
    return Rows(ids.astype(np.int32), labels)
