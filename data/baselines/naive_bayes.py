"""Naive Bayes on tokens and pairs of tokens: which class each of them speaks for, and how loudly."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int, Int32, Int64

from data.baselines.cross_entropy import cross_entropy
from data.batches.examples import Examples

FIRST, SECOND = 0x9E3779B1, 0x85EBCA77  # as in the models' pair_buckets
PARTS = 5  # of the texts, each judged by the others
SCALES = np.geomspace(0.01, 1.0, 47)  # a tenth more each


class Features(NamedTuple):
    """What occurs in texts, one after the other, and the number of the text that each is of."""

    ids: Int64[np.ndarray, " feature"]
    texts: Int64[np.ndarray, " feature"]

    def of(self, chosen: np.ndarray) -> "Features":
        """Those of some of the texts, of which ``chosen`` is True."""
        kept = chosen[self.texts]
        return Features(self.ids[kept], self.texts[kept])


def pair_buckets(ids: Int[np.ndarray, " position"], buckets: int) -> Int64[np.ndarray, " pair"]:
    """The bucket of each token with the one after it; the models' function of this name."""
    first, second = ids[:-1].astype(np.uint32), ids[1:].astype(np.uint32)
    words = first * np.uint32(FIRST) + second * np.uint32(SECOND)
    return ((words ^ (words >> np.uint32(15))) % np.uint32(buckets)).astype(np.int64)


def log_ratios(
    features: Features, labels: Int32[np.ndarray, " example"], entries: int, classes: int
) -> Float64[np.ndarray, "entries classes"]:
    """How much likelier each feature is in a class than in the others on (geometric) average, in nats.

    Each class's counts begin at 1 (Wang and Manning 2012, eq. 2). What never occurred speaks for none: 0.
    """
    cells = features.ids * classes + labels[features.texts]
    counts = np.bincount(cells, minlength=entries * classes).reshape(entries, classes)
    shares = np.log(counts + 1.0) - np.log((counts + 1.0).sum(axis=0))
    ratios = shares - shares.mean(axis=1, keepdims=True)
    return np.where(counts.any(axis=1, keepdims=True), ratios, 0.0)


def ngram_ratios(
    examples: Examples, labels: Int32[np.ndarray, " example"], vocab: int, buckets: int, classes: int
) -> tuple[Float32[np.ndarray, "vocab classes"], Float32[np.ndarray, "buckets classes"]]:
    """The log-ratios of the tokens, and of the buckets of their pairs, in these examples.

    Naive Bayes takes each for news, though one word follows from another, and is far too sure. So all are
    multiplied by what makes it as sure as it is right about texts that it has not counted.
    """
    tokens = _tokens(examples)
    kinds = ((tokens, vocab), (_pairs(tokens, buckets), buckets))
    sums = np.zeros((len(examples), classes))
    for part in range(PARTS):
        held_out = np.arange(len(examples)) % PARTS == part
        for features, entries in kinds:
            ratios = log_ratios(features.of(~held_out), labels, entries, classes)
            sums += _sums(ratios, features.of(held_out), len(examples))
    scale = calibrated(sums, labels)
    of_tokens, of_pairs = (scale * log_ratios(found, labels, entries, classes) for found, entries in kinds)
    return of_tokens.astype(np.float32), of_pairs.astype(np.float32)


def calibrated(sums: Float64[np.ndarray, "example classes"], labels: Int32[np.ndarray, " example"]) -> float:
    """The scale of the sums, beside the classes' shares, of the least cross-entropy (Guo et al. 2017)."""
    truth = np.eye(sums.shape[1])[labels]
    frequencies = np.log(np.bincount(labels, minlength=sums.shape[1]) + 1.0)

    def loss(scale: float) -> float:
        return cross_entropy(scale * sums + frequencies, truth)[0]

    return float(min(SCALES, key=loss))


def _tokens(examples: Examples) -> Features:
    texts = np.repeat(np.arange(len(examples)), [len(ids) for ids in examples])
    return Features(np.concatenate(examples).astype(np.int64), texts)


def _pairs(tokens: Features, buckets: int) -> Features:
    within = tokens.texts[:-1] == tokens.texts[1:]
    return Features(pair_buckets(tokens.ids, buckets)[within], tokens.texts[:-1][within])


def _sums(
    ratios: Float64[np.ndarray, "entries classes"], features: Features, texts: int
) -> Float64[np.ndarray, "texts classes"]:
    """Of each text's features."""
    columns = [np.bincount(features.texts, ratios[features.ids, c], texts) for c in range(ratios.shape[1])]
    return np.stack(columns, axis=1).astype(np.float64)  # of no features, bincount counts in integers
