"""The time of a step over lengths, and what either model keeps of a sequence that it goes on with."""

import time
from typing import Any

import numpy as np

from study.questions.recall import task
from study.questions.recall.settings import LSTM, TRANSFORMER
from train.config import Optimizer
from train.loops.schedule import rates_at

STEPS, REPEATS = 4, 5


def seconds_a_token(model: Any, length: int, rows: int, optimizer: Optimizer) -> float:
    """Of training, forward and backward: the median of some runs, after one that compiles."""
    batches = [task.draw(length - 2, rows, 0, step) for step in range(STEPS)]
    rates = [rates_at(step, STEPS, optimizer) for step in range(STEPS)]
    model.advance(batches, rates)
    found = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        model.advance(batches, rates)
        found.append(time.perf_counter() - begun)
    return float(np.median(found)) / (STEPS * rows * length)


def state_bytes(length: int) -> dict[str, int]:
    """Of float32: the LSTM's two vectors; the transformer's keys and values of all positions."""
    heads = TRANSFORMER.layers * 2 * TRANSFORMER.embed
    return {"lstm": 4 * 2 * LSTM.hidden, "transformer": 4 * heads * length}
