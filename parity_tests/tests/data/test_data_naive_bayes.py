"""Naive Bayes' weights: scikit-learn's numbers, recorded, since it is not installed; the models' buckets."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jax_impl.ngrams
import torch_impl.ngrams
from data.baselines.naive_bayes import Features, calibrated, log_ratios, ngram_ratios, pair_buckets

ROWS = ([0, 1, 1, 3], [2, 3], [0, 0, 4], [1, 2, 2, 2, 3], [4, 4])
FEATURES = Features(np.concatenate(ROWS), np.repeat(np.arange(5), [len(row) for row in ROWS]))
LABELS = np.array([0, 1, 2, 1, 2], np.int32)
# feature_log_prob_ of MultinomialNB() in 1.9.1, less its mean over the classes
RECORDED = [
    *([0.215119, -0.740393, 0.525274], [0.620584, -0.047245, -0.573339], [-0.417254, 0.929819, -0.512565]),
    *([0.215119, 0.35822, -0.573339], [-0.342873, -0.605238, 0.948111]),
]


def test_it_gives_the_numbers_of_scikit_learn() -> None:
    ratios = log_ratios(FEATURES, LABELS, 6, 3)
    np.testing.assert_allclose(ratios[:5], RECORDED, atol=1e-6)
    other = log_ratios(FEATURES, np.array([1, 1, 2, 1, 2], np.int32), 6, 3)
    assert np.abs(other[:5] - RECORDED).max() > 0.1


def test_what_never_occurred_speaks_for_no_class() -> None:
    assert not log_ratios(FEATURES, LABELS, 6, 3)[5].any()


@pytest.mark.parametrize("buckets", [1, 13, 2**18, 2**20 + 7])
def test_the_buckets_are_those_of_both_models(buckets: int) -> None:
    ids = np.random.default_rng(0).integers(0, 2**31, (3, 50), dtype=np.int32)
    ours = [pair_buckets(row, buckets) for row in ids]
    np.testing.assert_array_equal(jax_impl.ngrams.pair_buckets(jnp.asarray(ids), buckets)[:, :-1], ours)
    np.testing.assert_array_equal(
        torch_impl.ngrams.pair_buckets(torch.from_numpy(ids), buckets)[:, :-1], ours
    )


def test_buckets_are_filled_evenly() -> None:
    """All pairs of 2,000 tokens in 2^16 buckets: each has 61, within six deviations of a fair draw."""
    ids = np.stack([grid.reshape(-1) for grid in np.meshgrid(np.arange(2000), np.arange(2000))], axis=1)
    pairs = ids[::16].astype(np.int32)
    filled = np.bincount(pair_buckets(pairs.reshape(-1), 2**16)[::2], minlength=2**16)  # not those between
    mean = len(pairs) / 2**16
    assert filled.max() < mean + 6 * mean**0.5 + 6
    assert filled.std() < 1.2 * mean**0.5


def test_tokens_and_pairs_are_counted_by_text() -> None:
    examples = [np.array(row, np.int32) for row in ([5, 6, 7], [6, 5], [8])]
    tokens, pairs = ngram_ratios(examples, np.array([0, 1, 1], np.int32), 9, 97, 2)
    assert tokens.shape == (9, 2)
    assert pairs.shape == (97, 2)
    seen = {int(pair_buckets(np.array(pair, np.int32), 97)[0]) for pair in ([5, 6], [6, 7], [6, 5])}
    assert set(np.flatnonzero(pairs.any(axis=1))) == seen  # none over the end of a text
    assert tokens[7, 0] > 0 > tokens[7, 1]
    assert tokens[8, 0] < 0 < tokens[8, 1]


def test_a_scale_is_found_at_which_it_is_as_sure_as_it_is_right() -> None:
    """Labels drawn from the logits that a tenth of the sums are."""
    rng = np.random.default_rng(0)
    sums = 10 * rng.standard_normal((20_000, 3))
    chances = np.exp(sums / 10) / np.exp(sums / 10).sum(axis=1, keepdims=True)
    labels = (rng.random((len(sums), 1)) > chances.cumsum(axis=1)).sum(axis=1).astype(np.int32)
    assert 0.09 < calibrated(sums, labels) < 0.115
    assert 0.9 < calibrated(sums / 10, labels) <= 1.0


def test_the_scale_is_that_of_texts_that_were_not_counted() -> None:
    """Of words that occur once each, counting knows its own texts by heart, and of others nothing."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200, dtype=np.int32)
    alone = [np.array([5 + 3 * row, 6 + 3 * row, 7 + 3 * row], np.int32) for row in range(200)]
    telling = [np.append(ids, 1 + label).astype(np.int32) for ids, label in zip(alone, labels, strict=True)]
    noise, tokens = (ngram_ratios(texts, labels, 700, 97, 2)[0] for texts in (alone, telling))
    assert np.abs(tokens[1:3]).max() > 10 * np.abs(noise).max()
