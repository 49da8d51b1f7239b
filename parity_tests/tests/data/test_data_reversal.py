"""The reversal task: right by hand, a pure function of seed and step, held out for good."""

import numpy as np
import pytest

from data.errors import DataError
from data.sets.reversal import BEGIN, END, FIRST_SYMBOL, PAD, ReversalBatches, reversal_evaluation

SYMBOLS, SHORTEST, LONGEST, BATCH = 10, 3, 8, 64
FIXED = {
    "source": [[8, 8, 11, 0, 0, 0, 0, 0], [8, 3, 12, 10, 0, 0, 0, 0]],
    "source_mask": [
        [True, True, True, False, False, False, False, False],
        [True, True, True, True, False, False, False, False],
    ],
    "target": [[1, 11, 8, 8, 0, 0, 0, 0, 0], [1, 10, 12, 3, 8, 0, 0, 0, 0]],
    "labels": [[11, 8, 8, 2, 0, 0, 0, 0, 0], [10, 12, 3, 8, 2, 0, 0, 0, 0]],
    "weights": [[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]],
}


def batches(seed=0):
    return ReversalBatches(SYMBOLS, SHORTEST, LONGEST, BATCH, seed)


def evaluation(rows=1000, batch=1000):
    return reversal_evaluation(SYMBOLS, SHORTEST, LONGEST, rows, batch)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def sums(batch):
    return np.where(batch.source_mask, batch.source - FIRST_SYMBOL, 0).sum(axis=1) % SYMBOLS


def test_the_draw_is_fixed_for_good():
    batch = ReversalBatches(SYMBOLS, SHORTEST, LONGEST, 2, 0).stream(2)
    assert {name: array.tolist() for name, array in batch._asdict().items()} == FIXED
    assert [array.dtype.name for array in batch] == [
        "int32",
        "bool",
        "int32",
        "int32",
        "float32",
    ]


def test_every_row_is_a_sequence_and_its_reverse():
    for batch in (batches().stream(7), *evaluation(100, 30)):
        lengths = batch.source_mask.sum(axis=1)
        for row, length in enumerate(lengths):
            symbols = batch.source[row, :length].tolist()
            tail = [PAD] * (LONGEST - length)
            assert batch.source[row].tolist() == symbols + tail
            assert batch.source_mask[row].tolist() == [True] * length + [False] * (LONGEST - length)
            assert batch.target[row].tolist() == [BEGIN, *symbols[::-1], *tail]
            assert batch.labels[row].tolist() == [*symbols[::-1], END, *tail]
            assert batch.weights[row].tolist() == [1.0] * (length + 1) + [0.0] * (LONGEST - length)


def test_a_step_is_a_pure_function_of_seed_and_step():
    walked = batches()
    for step in (0, 5, 10**7):
        assert same(walked.stream(step), batches().stream(step))
        assert not same(walked.stream(step + 1), batches().stream(step))
        assert not same(walked.stream(step), batches(seed=1).stream(step))


def test_no_training_batch_holds_a_held_out_sequence():
    assert all((sums(batches().stream(step)) != 0).all() for step in range(50))
    assert all((sums(batch) == 0).all() for batch in evaluation())
    parts = evaluation(1000, 300)
    assert [len(part.source) for part in parts] == [300, 300, 300, 100]
    np.testing.assert_array_equal(np.concatenate([part.source for part in parts]), evaluation()[0].source)


def test_lengths_and_symbols_are_drawn_evenly():
    for batch in (
        ReversalBatches(SYMBOLS, SHORTEST, LONGEST, 12_000, 0).stream(0),
        *evaluation(12_000, 12_000),
    ):
        lengths = np.bincount(batch.source_mask.sum(axis=1))
        assert lengths[:SHORTEST].sum() == 0 and abs(lengths[SHORTEST:] - 2000).max() < 170
        for place in range(SHORTEST):
            counts = np.bincount(batch.source[:, place])
            assert counts[:FIRST_SYMBOL].sum() == 0 and abs(counts[FIRST_SYMBOL:] - 1200).max() < 140


def test_what_makes_no_sequences_is_refused():
    for sizes, message in (
        ((1, 3, 8, 4, 0), "symbols=1"),
        ((10, 0, 8, 4, 0), "lengths from 0 to 8"),
        ((10, 9, 8, 4, 0), "lengths from 9 to 8"),
        ((10, 3, 8, 0, 0), "batch=0"),
        ((10, 3, 8, 4, -1), "seed=-1"),
    ):
        with pytest.raises(DataError, match=message):
            ReversalBatches(*sizes)
    with pytest.raises(DataError, match="step=-1"):
        batches().stream(-1)
    with pytest.raises(DataError, match="batch=0"):
        evaluation(batch=0)
