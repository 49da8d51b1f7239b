"""The log-ratios of tokens and pairs that a classifier has: naive Bayes' of its training texts."""

import numpy as np
from jaxtyping import Int32

from data import Examples
from data.baselines.naive_bayes import ngram_ratios
from jax_impl.config import EmbeddingConfig, NGramConfig
from train.loops.backend import Arrays

LARGEST = 2**21  # numbers in the table of pairs: 8 MiB, which gradient and optimizer have too


def buckets_for(config: NGramConfig, classes: int) -> int:
    """As many as the configuration says, or as there is room for where there are many classes."""
    return min(config.ngram_buckets, max(1, LARGEST // classes))


def counted_ngrams(
    config: EmbeddingConfig, examples: Examples, labels: Int32[np.ndarray, " example"]
) -> Arrays:
    """By their names in Flax; none of a model that has none."""
    if not isinstance(config, NGramConfig) or not config.ngram_buckets:
        return {}
    ratios = ngram_ratios(examples, labels, config.vocab, config.ngram_buckets, config.classes)
    names = ("token_ratios", "pair_ratios")
    return {f"ngrams/{name}": array for name, array in zip(names, ratios, strict=True)}
