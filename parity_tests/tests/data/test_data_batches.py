"""Batches: a pure function of seed and step, in few widths, with little padding."""

from itertools import combinations

import numpy as np
import pytest

from data.batches.buckets import choose_buckets
from data.batches.examples import check_ids
from data.batches.shuffle import Epochs
from data.batches.text import TextBatch, TrainBatches, evaluation_batches, padding_fraction
from data.errors import DataError
from data.tokenizers.word_piece import PAD_ID, UNK_ID

BATCH = 16


def made_up(count=1000, longest=60, seed=0):
    """Examples with a long tail of lengths; the example's index is its first id, less 5."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.lognormal(2.7, 0.5, count).astype(int), 1, longest)
    examples = [np.r_[row + 5, rng.integers(5, 99, length - 1)] for row, length in enumerate(lengths)]
    labels = rng.integers(0, 3, count).astype(np.int32)
    return [ids.astype(np.int32) for ids in examples], labels


EXAMPLES, LABELS = made_up()
LENGTHS = [len(ids) for ids in EXAMPLES]
BUCKETS = choose_buckets(LENGTHS, 4, positions=64)


def batches(seed=0, batch=BATCH, buckets=BUCKETS):
    return TrainBatches(EXAMPLES, LABELS, batch, seed, buckets)


def epoch(stream, number=0):
    steps = range(number * stream.steps_per_epoch, (number + 1) * stream.steps_per_epoch)
    return [stream.stream(step) for step in steps]


def assert_same(one: TextBatch, other: TextBatch):
    for name in ("ids", "mask", "labels", "rows"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def assert_holds_its_rows(batch: TextBatch):
    assert batch.ids.dtype == batch.labels.dtype == batch.rows.dtype == np.int32
    assert batch.mask.dtype == bool and batch.mask.shape == batch.ids.shape
    for ids, mask, label, row in zip(batch.ids, batch.mask, batch.labels, batch.rows, strict=True):
        if row < 0:
            assert mask.tolist() == [True] + [False] * (len(mask) - 1)
            assert label == 0 and ids[0] == PAD_ID
        else:
            np.testing.assert_array_equal(ids[: LENGTHS[row]], EXAMPLES[row])
            assert mask.sum() == LENGTHS[row] and mask[: LENGTHS[row]].all()
            assert label == LABELS[row]
        assert (ids[~mask] == PAD_ID).all()


@pytest.mark.parametrize("step", [0, 1, 61, 62, 63, 200, 10**7])
def test_a_jump_to_a_step_gives_the_batch_that_walking_there_gives(step):
    walked = batches()
    for before in range(max(0, step - 70), step):
        walked.stream(before)
    assert_same(batches().stream(step), walked.stream(step))
    walked.stream(step + 500)
    assert_same(batches().stream(step), walked.stream(step))  # and coming back


def test_the_order_is_fixed_for_good():
    """Checkpoints resume by step, so no new version may change the order."""
    examples = [np.full(1 + row % 20, 9, np.int32) for row in range(50)]
    stream = TrainBatches(examples, np.zeros(50, np.int32), 4, seed=3, buckets=(8, 16, 24))
    assert [stream.stream(step).rows.tolist() for step in (0, 11, 12)] == [
        [18, 19, 37, 38],
        [21, 41, 25, 40],
        [47, 27, 7, 3],
    ]


def test_changing_a_batch_does_not_change_the_stream():
    stream = batches()
    before = stream.stream(7)
    kept = TextBatch(*(getattr(before, name).copy() for name in ("ids", "mask", "labels", "rows")))
    for name in ("ids", "mask", "labels", "rows"):
        getattr(before, name)[:] = 0
    assert_same(stream.stream(7), kept)


def test_batches_hold_their_examples():
    for batch in epoch(batches()):
        assert_holds_its_rows(batch)
        assert batch.ids.shape[0] == BATCH and batch.ids.shape[1] in BUCKETS


def test_no_example_occurs_twice_in_an_epoch_and_fewer_than_a_batch_sit_out():
    stream = batches()
    assert stream.steps_per_epoch == 1000 // BATCH == 62
    absent = []
    for number in range(3):
        rows = np.concatenate([batch.rows for batch in epoch(stream, number)])
        assert len(np.unique(rows)) == len(rows) == 62 * BATCH
        assert rows.min() >= 0
        absent.append(tuple(np.setdiff1d(np.arange(1000), rows)))
    assert len(set(absent)) == 3  # not always the same: long examples must not be left out for good


def test_every_example_occurs_when_the_batch_divides_them():
    rows = np.concatenate([batch.rows for batch in epoch(batches(batch=20))])
    np.testing.assert_array_equal(np.sort(rows), np.arange(1000))


def test_epochs_and_seeds_differ_and_widths_are_shuffled():
    stream = batches()
    first, second = epoch(stream, 0), epoch(stream, 1)
    other = epoch(batches(seed=1))
    assert any((a.rows != b.rows).any() for a, b in zip(first, second, strict=True))
    assert any((a.rows != b.rows).any() for a, b in zip(first, other, strict=True))
    widths = [batch.ids.shape[1] for batch in first]
    assert set(widths) == set(BUCKETS)
    assert widths != sorted(widths)


def test_the_epoch_is_planned_once(monkeypatch):
    planned = []
    plan = Epochs._plan
    monkeypatch.setattr(Epochs, "_plan", lambda self, e: (planned.append(e), plan(self, e))[1])
    stream = batches()
    epoch(stream, 0), epoch(stream, 1)
    assert planned == [0, 1]


def test_buckets_save_padding():
    bucketed = padding_fraction(epoch(batches()))
    one_width = padding_fraction(epoch(batches(buckets=(64,))))
    assert one_width > 0.7
    assert bucketed < one_width / 2


def test_padding_fraction_counts_filler_rows_as_padding():
    examples = [np.full(length, 9, np.int32) for length in (8, 4, 4)]
    (batch,) = evaluation_batches(examples, np.ones(3, np.int32), 4, (8,))
    assert batch.labels.tolist() == [0, 1, 1, 1]
    assert padding_fraction([batch]) == 0.5


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_chosen_buckets_are_the_best_of_all(count):
    widths = sorted({-(-length // 8) * 8 for length in LENGTHS})

    def padded(buckets):
        return sum(min(b for b in buckets if b >= length) for length in LENGTHS)

    cuts = [(*cut, widths[-1]) for cut in combinations(widths[:-1], count - 1)]
    chosen = choose_buckets(LENGTHS, count, positions=64)
    assert len(chosen) == count and padded(chosen) == min(map(padded, cuts))


def test_buckets_are_multiples_of_8_within_the_positions():
    assert choose_buckets([3, 9, 20, 50], 4, positions=64) == (8, 16, 24, 56)
    assert choose_buckets([3, 9, 20, 50], 4, positions=50) == (8, 16, 24, 50)
    assert choose_buckets([3, 3], 4, positions=64) == (8,)


@pytest.mark.parametrize("batch", [1, 7, 16, 1000, 3000])
def test_evaluation_holds_each_example_once(batch):
    found = evaluation_batches(EXAMPLES, LABELS, batch, BUCKETS)
    rows = np.concatenate([b.rows for b in found])
    np.testing.assert_array_equal(np.sort(rows[rows >= 0]), np.arange(1000))
    assert len(rows) == -(-1000 // batch) * batch
    assert {b.ids.shape[0] for b in found} == {batch}
    assert {b.ids.shape[1] for b in found} <= set(BUCKETS)
    for b in found:
        assert_holds_its_rows(b)


def test_a_token_id_outside_the_vocabulary_names_example_position_and_id():
    check_ids([np.array([0, 9], np.int32)], vocab=10)
    for bad in (10, -1):
        examples = [np.array([0, 9], np.int32), np.array([1, 2, bad, bad], np.int32)]
        with pytest.raises(DataError, match=rf"example 1, position 2: token id {bad} .*vocab=10"):
            check_ids(examples, vocab=10)


@pytest.mark.parametrize("make", [TrainBatches, lambda *a: evaluation_batches(*a[:3], a[4])])
def test_examples_that_cannot_be_batched_are_refused(make):
    with pytest.raises(DataError, match="example 1 has 9 tokens, but must have 1 to 8"):
        make([np.ones(3, np.int32), np.ones(9, np.int32)], np.zeros(2, np.int32), 1, 0, (8,))
    with pytest.raises(DataError, match="example 0 has 0 tokens"):
        make([np.ones(0, np.int32)], np.zeros(1, np.int32), 1, 0, (8,))
    with pytest.raises(DataError, match="1000 examples came with 999 labels"):
        make(EXAMPLES, LABELS[1:], BATCH, 0, BUCKETS)
    with pytest.raises(DataError, match="no examples"):
        make([], LABELS[:0], BATCH, 0, BUCKETS)
    with pytest.raises(DataError, match="batch=0"):
        make(EXAMPLES, LABELS, 0, 0, BUCKETS)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(DataError, match="batch=1001 of 1000 training examples"):
        batches(batch=1001)
    with pytest.raises(DataError, match="seed=-1"):
        batches(seed=-1)
    with pytest.raises(DataError, match="step=-1"):
        batches().stream(-1)
    with pytest.raises(DataError, match="an example has 9 tokens, but the model takes 8"):
        choose_buckets([9], 4, positions=8)
    with pytest.raises(DataError, match="0 buckets"):
        choose_buckets([9], 0, positions=16)
    with pytest.raises(DataError, match="for 0 examples"):
        choose_buckets([], 4, positions=16)


def test_word_dropout_replaces_its_share_of_real_tokens_anew_at_each_step() -> None:
    examples = [np.full(20, 7, np.int32) for _ in range(64)]
    labels = np.zeros(64, np.int32)
    plain = TrainBatches(examples, labels, 32, 5, (24,))
    dropping = TrainBatches(examples, labels, 32, 5, (24,), 0.3)
    kept, dropped = plain.stream(0), dropping.stream(0)
    assert (kept.rows == dropped.rows).all() and (kept.mask == dropped.mask).all()
    assert (dropped.ids[~dropped.mask] == PAD_ID).all()
    share = (dropped.ids[dropped.mask] == UNK_ID).mean()
    assert abs(share - 0.3) < 0.08  # 640 tokens: four standard deviations
    again = TrainBatches(examples, labels, 32, 5, (24,), 0.3)
    assert (again.stream(0).ids == dropped.ids).all()
    assert (dropping.stream(1).ids != dropped.ids).any()
    other = TrainBatches(examples, labels, 32, 5, (24,), 0.3, 100).stream(0)
    assert ((other.ids == 100) == (dropped.ids == UNK_ID)).all()  # another tokenizer's [UNK]
    with pytest.raises(DataError, match=r"word_dropout=0\.3, but the tokenizer has no \[UNK\]"):
        TrainBatches(examples, labels, 32, 5, (24,), 0.3, None)


def test_word_dropout_of_everything_is_refused() -> None:
    with pytest.raises(DataError, match=r"word_dropout=1.0"):
        TrainBatches([np.ones(3, np.int32)] * 4, np.zeros(4, np.int32), 2, 0, (8,), 1.0)
