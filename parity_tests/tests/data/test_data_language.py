"""Batches of windows for next-token prediction and for filling in masks."""

import numpy as np
import pytest

from data.batches.masking import MaskedBatches, masked_evaluation, masked_positions
from data.batches.next_token import NextTokenBatches, next_token_evaluation
from data.batches.windows import Stream, cut
from data.errors import DataError
from data.tokenizers.bpe import train_bpe
from data.tokenizers.word_piece import MASK_ID, SPECIAL_TOKENS, train_tokenizer

POSITIONS, BATCH = 40, 16
TOKENIZER = train_tokenizer(["the cat sat on the mat", "a flat hat in the house of mice"], 60)
VOCAB = TOKENIZER.get_vocab_size()


def made_up(count=100, special=0.1):
    """Windows of ordinary tokens, but for a share of special ones."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(len(SPECIAL_TOKENS), VOCAB, count * POSITIONS + 1)
    tokens[rng.random(len(tokens)) < special] = 3
    return cut(Stream(tokens.astype(np.int32), np.ones(len(tokens), np.int32)), POSITIONS)


WINDOWS = made_up()


def language(seed=0):
    return NextTokenBatches(WINDOWS, BATCH, seed)


def masked(seed=0):
    return MaskedBatches(WINDOWS, TOKENIZER, BATCH, seed)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("make", [language, masked])
def test_a_step_is_a_pure_function_of_seed_and_step(make):
    walked = make()
    for step in range(20):
        walked.stream(step)
    for step in (0, 5, 6, 19, 10**7):
        batch = walked.stream(step)
        assert same(make().stream(step), batch)
        assert not same(make().stream(step + 1), batch)
        assert not same(make(seed=1).stream(step), batch)
    with pytest.raises(DataError, match="step=-1"):
        make().stream(-1)


def test_an_epoch_holds_each_window_once_and_another_has_another_order():
    stream = language()
    assert stream.steps_per_epoch == 100 // BATCH == 6
    rows = {tuple(ids): row for row, ids in enumerate(WINDOWS.ids)}
    orders = []
    for epoch in range(2):
        batches = [stream.stream(step) for step in range(epoch * 6, epoch * 6 + 6)]
        assert {batch.ids.shape for batch in batches} == {(BATCH, POSITIONS)}
        order = [rows[tuple(ids)] for batch in batches for ids in batch.ids]
        assert len(set(order)) == 6 * BATCH
        np.testing.assert_array_equal(
            np.concatenate([batch.labels for batch in batches]), WINDOWS.labels[order]
        )
        orders.append(order)
    assert orders[0] != orders[1]


def test_changing_a_batch_does_not_change_the_stream():
    for make in (language, masked):
        stream = make()
        for array in stream.stream(3):
            array[:] = 0
        assert same(stream.stream(3), make().stream(3))


def test_the_draw_is_fixed_for_good():
    """Checkpoints resume by step, so no new version may change the order or the masks."""
    tokens = np.arange(401, dtype=np.int32)
    windows = cut(Stream(tokens, tokens), 8)
    assert (NextTokenBatches(windows, 4, seed=3).stream(13).ids[:, 0] // 8).tolist() == [0, 41, 17, 13]
    nines = cut(Stream(np.full(401, 9, np.int32), tokens), POSITIONS)
    batch = MaskedBatches(nines, TOKENIZER, 2, seed=3).stream(13)
    chosen = [[4, 6, 15, 21, 27, 29], [5, 12, 24, 28, 35, 39]]
    assert batch.masked_positions.tolist() == chosen
    assert batch.ids[np.arange(2)[:, None], chosen].tolist() == [[4, 4, 4, 9, 4, 4], [9, 4, 4, 4, 4, 13]]


@pytest.mark.parametrize("batch", [1, 7, 100, 300])
def test_evaluation_holds_each_window_once_in_order(batch):
    plain = next_token_evaluation(WINDOWS, batch)
    np.testing.assert_array_equal(np.concatenate([b.ids for b in plain]), WINDOWS.ids)
    np.testing.assert_array_equal(np.concatenate([b.labels for b in plain]), WINDOWS.labels)
    assert [len(b.ids) for b in plain[:-1]] == [batch] * (len(plain) - 1)
    found = masked_evaluation(WINDOWS, TOKENIZER, batch, seed=5)
    (whole,) = masked_evaluation(WINDOWS, TOKENIZER, 100, seed=5)
    for name in ("ids", "masked_positions", "labels", "weights"):
        joined = np.concatenate([getattr(b, name) for b in found])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    (other,) = masked_evaluation(WINDOWS, TOKENIZER, 100, seed=6)
    assert not same(other, whole)


def test_labels_are_the_masked_tokens_and_all_else_stays():
    (batch,) = masked_evaluation(WINDOWS, TOKENIZER, 100, seed=0)
    assert batch.masked_positions.shape == (100, masked_positions(POSITIONS)) == (100, 6)
    assert [getattr(batch, n).dtype for n in ("ids", "masked_positions", "labels", "weights")] == [
        np.int32, np.int32, np.int32, np.float32,
    ]  # fmt: skip
    rows = np.arange(100)[:, None]
    np.testing.assert_array_equal(batch.labels, WINDOWS.ids[rows, batch.masked_positions])
    assert (np.diff(batch.masked_positions) > 0).all() and (batch.weights == 1).all()
    assert (batch.labels >= len(SPECIAL_TOKENS)).all()
    restored = batch.ids.copy()
    restored[rows, batch.masked_positions] = batch.labels
    np.testing.assert_array_equal(restored, WINDOWS.ids)


def test_the_shares_are_80_10_10_and_every_position_is_as_likely():
    windows = made_up(2000, special=0.0)
    (batch,) = masked_evaluation(windows, TOKENIZER, 2000, seed=0)
    now = batch.ids[np.arange(2000)[:, None], batch.masked_positions]  # 12,000 tokens
    became_mask, kept = (now == MASK_ID).mean(), (now == batch.labels).mean()
    drawn = now[(now != MASK_ID) & (now != batch.labels)]
    assert abs(became_mask - 0.8) < 0.015  # four standard deviations
    assert abs(kept - (0.1 + 0.1 / (VOCAB - 5))) < 0.011
    assert set(drawn) == set(range(len(SPECIAL_TOKENS), VOCAB))
    chosen = np.bincount(batch.masked_positions.ravel(), minlength=POSITIONS)
    assert chosen.min() > 300 - 70 and chosen.max() < 300 + 70


def test_where_there_is_too_little_to_mask_the_rest_weighs_0():
    tokens = np.full(4 * POSITIONS + 1, 3, np.int32)  # [SEP] only
    tokens[POSITIONS + 2 : POSITIONS + 6] = 9  # four to mask in the second window
    windows = cut(Stream(tokens, np.ones(len(tokens), np.int32)), POSITIONS)
    (batch,) = masked_evaluation(windows, TOKENIZER, 4, seed=0)
    assert batch.weights.sum(axis=1).tolist() == [0, 4, 0, 0]
    assert (np.diff(batch.masked_positions) > 0).all()
    assert set(batch.labels[batch.weights == 1]) == {9} and set(batch.labels[batch.weights == 0]) == {3}
    np.testing.assert_array_equal(batch.ids[[0, 2, 3]], windows.ids[[0, 2, 3]])


def test_what_cannot_be_batched_is_refused():
    with pytest.raises(DataError, match="batch=101 of 100 training examples"):
        NextTokenBatches(WINDOWS, 101, 0)
    with pytest.raises(DataError, match="batch=0"):
        next_token_evaluation(WINDOWS, 0)
    with pytest.raises(DataError, match="seed=-1"):
        masked_evaluation(WINDOWS, TOKENIZER, 1, -1)
    with pytest.raises(DataError, match=r"no \[MASK\]"):
        MaskedBatches(WINDOWS, train_bpe(["a"], 257), BATCH, 0)
    with pytest.raises(DataError, match="positions=3: 15% of them"):
        masked_positions(3)
    assert [masked_positions(n) for n in (4, 64, 128)] == [1, 10, 19]
