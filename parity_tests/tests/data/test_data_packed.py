"""Texts that share rows: all are there, whole, and no two at one place."""

import numpy as np
import pytest

from data import pack, rows_needed
from data.batches.text import TextBatch


def batch_of(lengths, width):
    mask = np.arange(width)[None] < np.asarray(lengths)[:, None]
    ids = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0).astype(np.int32)
    labels = np.arange(len(lengths), dtype=np.int32)
    return TextBatch(ids, mask, labels, labels + 10)


@pytest.mark.parametrize("seed", range(20))
def test_every_text_is_in_one_row_in_one_piece(seed):
    rng = np.random.default_rng(seed)
    width = int(rng.integers(1, 40))
    lengths = rng.integers(1, width + 1, rng.integers(1, 80))
    batch = batch_of(lengths, width)
    packed = pack(batch)
    assert packed.ids.shape == (rows_needed(lengths, width), width)
    assert packed.mask.sum() == lengths.sum() and (packed.ids[~packed.mask] == 0).all()
    for text, length in enumerate(lengths):
        rows, columns = np.nonzero(packed.text_ids == text)
        assert len(set(rows)) == 1 and list(columns) == list(range(columns[0], columns[0] + length))
        assert list(packed.position_ids[rows, columns]) == list(range(length))
        assert list(packed.ids[rows, columns]) == list(batch.ids[text, :length])
    np.testing.assert_array_equal(packed.lengths, lengths)
    np.testing.assert_array_equal(packed.labels, batch.labels)
    np.testing.assert_array_equal(packed.rows, batch.rows)


def test_hardly_any_padding_is_left_and_there_are_few_shapes():
    shapes, filled = set(), []
    for seed in range(50):
        packed = pack(batch_of(np.random.default_rng(seed).integers(16, 65, 64), 64))
        shapes.add(packed.ids.shape)
        filled.append(packed.mask.mean())
    assert np.mean(filled) > 0.85  # of rows of their own 0.63
    assert len(shapes) <= 4


def test_the_longest_texts_have_rows_of_their_own():
    packed = pack(batch_of([8, 8, 8], 8))
    assert packed.ids.shape == (3, 8) and packed.mask.all()
