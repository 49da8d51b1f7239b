"""Random digits, then the same backwards: ln 10 nats for each of the first half, none for the second."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Integer

from data.batches.shuffle import FIXED_REVERSAL, REVERSAL, random_bits
from study.questions.task import Rows

DIGITS = 10
BEGIN, VOCAB = DIGITS, DIGITS + 1
OPTIMUM = 0.5 * math.log(DIGITS)
"""Nats a token, the best that a model can do in the mean that does not see ahead: 1.1513."""
NEAR = 0.01  # how far above the optimum a decoder may stay that has learned the task
ERRORS = 4.0  # standard errors below the optimum that are no luck

Verdict = Literal["leaks", "learned", "has not learned"]


def draw(count: int, rows: int, seed: int, step: int) -> Rows:
    """The batch of a step: ``count`` digits and the same backwards, 2 count positions."""
    bits = random_bits(seed, step, REVERSAL)
    return _rows(bits.random_raw(rows * count).reshape(rows, count))


def held_out(count: int, rows: int) -> Rows:
    """A fixed draw in which all digits are equally frequent at each place, if ten divides ``rows``.

    Luck in the frequencies would move the loss of a model that knows nothing of the digits; so it is ln 10
    for each of the first half at least.
    """
    bits = random_bits(0, 0, FIXED_REVERSAL)
    return _rows(np.argsort(bits.random_raw(rows * count).reshape(rows, count), axis=0))


def verdict(losses: np.ndarray) -> Verdict:
    """What the loss says, from each row's mean loss in nats."""
    mean, error = losses.mean(), losses.std(ddof=1) / math.sqrt(len(losses))
    if mean < OPTIMUM - ERRORS * error:
        return "leaks"
    return "learned" if mean <= OPTIMUM * (1.0 + NEAR) else "has not learned"


def _rows(drawn: Integer[np.ndarray, "batch digit"]) -> Rows:
    digits = (drawn % drawn.dtype.type(DIGITS)).astype(np.int32)
    labels = np.concatenate([digits, digits[:, ::-1]], axis=1)
    begin = np.full((len(digits), 1), BEGIN, np.int32)
    return Rows(np.concatenate([begin, labels[:, :-1]], axis=1), labels)
