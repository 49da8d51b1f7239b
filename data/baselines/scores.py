"""The scores of models that only count, on the very tokens that a language model is scored on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from data.baselines.ngram import KneserNey, unigram
from data.batches.masking import MaskedBatch
from data.batches.windows import Windows, bits_per_byte
from data.tokenizers.word_piece import special_ids

ORDERS = (2, 3, 4, 5)


class Score(NamedTuple):
    """A baseline on the test split."""

    name: str
    nats_per_token: float
    bits_per_byte: float


def baseline_scores(train: Windows, validation: Windows, test: Windows, vocab: int) -> tuple[Score, Score]:
    """Return the scores of the unigram and of the n-gram model whose order is best on validation.

    They predict the labels of `test`. The n-gram model sees the tokens before a window's first, which a
    model that reads one window at a time does not: it is the stronger for it, by little.

    Raises:
        DataError: a token is outside the vocabulary, or there are fewer than five to train on.
    """
    once = -np.log(unigram(train.tokens, vocab))[test.tokens[1:]]
    models = [KneserNey(train.tokens, vocab, order) for order in ORDERS]
    best = min(models, key=lambda model: model.nats(validation.tokens)[1:].mean())
    return (
        _score("unigram", once, test),
        _score(f"{len(best.levels)}-gram", best.nats(test.tokens)[1:], test),
    )


def masked_accuracy(train: Windows, tokenizer: Tokenizer, batches: Sequence[MaskedBatch]) -> float:
    """Return how often a masked token is the commonest of the training tokens: the unigram's guess."""
    counts = np.bincount(train.tokens, minlength=tokenizer.get_vocab_size())
    counts[special_ids(tokenizer)] = 0  # never masked
    right = sum(float(batch.weights[batch.labels == np.argmax(counts)].sum()) for batch in batches)
    return right / sum(float(batch.weights.sum()) for batch in batches)


def _score(name: str, nats: np.ndarray, test: Windows) -> Score:
    mean = float(nats.mean())
    return Score(name, mean, float(bits_per_byte(mean, test)))
