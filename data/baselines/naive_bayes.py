"""Naive Bayes' weights of tokens and of pairs of tokens: which class each of them speaks for."""

import numpy as np
from jaxtyping import Float32, Int32, Int64

from data.batches.examples import Examples

FIRST, SECOND = 0x9E3779B1, 0x85EBCA77  # as in the models' pair_buckets


def pair_buckets(ids: Int32[np.ndarray, " position"], buckets: int) -> Int64[np.ndarray, " pair"]:
    """The bucket of each token with the one after it; the models' function of this name."""
    first, second = ids[:-1].astype(np.uint32), ids[1:].astype(np.uint32)
    words = first * np.uint32(FIRST) + second * np.uint32(SECOND)
    return ((words ^ (words >> np.uint32(15))) % np.uint32(buckets)).astype(np.int64)


def log_ratios(
    features: list[Int64[np.ndarray, " _count"]],
    labels: Int32[np.ndarray, " example"],
    entries: int,
    classes: int,
) -> Float32[np.ndarray, "entries classes"]:
    """How much likelier each feature is in a class than in the others on (geometric) average, in nats.

    Each class's counts begin at 1 (Wang and Manning 2012, eq. 2). What never occurred speaks for none: 0.
    """
    lengths = [len(found) for found in features]
    cells = np.concatenate(features) * classes + np.repeat(labels, lengths)
    counts = np.bincount(cells, minlength=entries * classes).reshape(entries, classes)
    shares = np.log(counts + 1.0) - np.log((counts + 1.0).sum(axis=0))
    ratios = shares - shares.mean(axis=1, keepdims=True)
    return np.where(counts.any(axis=1, keepdims=True), ratios, 0.0).astype(np.float32)


def ngram_ratios(
    examples: Examples, labels: Int32[np.ndarray, " example"], vocab: int, buckets: int, classes: int
) -> tuple[Float32[np.ndarray, "vocab classes"], Float32[np.ndarray, "buckets classes"]]:
    """The log-ratios of the tokens, and of the buckets of their pairs, in these examples."""
    pairs = [pair_buckets(ids, buckets) for ids in examples]
    tokens = [ids.astype(np.int64) for ids in examples]
    return log_ratios(tokens, labels, vocab, classes), log_ratios(pairs, labels, buckets, classes)
