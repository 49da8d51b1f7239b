"""N-gram models: what counting alone predicts, the bar that a language model must clear.

Written here, in numpy, because no library fits: NLTK's models take hours for what takes seconds here, and
KenLM's package from PyPI only queries models, which a C++ program with Boost has to build.
With one discount for all counts, the probabilities are NLTK's to the last bit or two.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64

from data.batches.examples import check_ids
from data.errors import DataError

DISCOUNTS = (0.5, 1.0, 1.5)  # KenLM's fallback, for a text too small to estimate them from


class Level(NamedTuple):
    """The n-grams of one length. A context is the number of an (n-1)-gram; for n = 1 it is 0."""

    grams: Int64[np.ndarray, " gram"]  # context * vocab + last token, ascending
    shares: Float64[np.ndarray, " gram"]  # discounted count / the context's total
    totals: Float64[np.ndarray, " context"]
    left: Float64[np.ndarray, " context"]  # what the discounts took: the weight of the shorter context


class KneserNey:
    """Interpolated Kneser-Ney with three discounts a level (Chen and Goodman 1999, "modified").

    p(token | context) = share(context, token) + left(context) * p(token | context less its first token),
    down to an even chance for each token of the vocabulary; so the probabilities sum to one. The longest
    n-grams are counted as they occur, shorter ones by how many different tokens precede them.
    """

    def __init__(self, tokens: Int32[np.ndarray, " token"], vocab: int, order: int) -> None:
        """Count the n-grams of up to `order` tokens.

        Raises:
            DataError: `order` is below 1, there are fewer tokens, or one is outside the vocabulary.
        """
        if not 1 <= order <= len(tokens):
            raise DataError(f"order={order} for {len(tokens)} tokens: give 1 to {len(tokens)}.")
        check_ids([tokens], vocab)
        self.vocab, self.levels = vocab, list[Level]()
        numbers = np.zeros(len(tokens) + 1, np.int64)  # of the (n-1)-gram that begins at each place
        contexts, counts = 1, np.zeros(0, np.int64)
        grams = np.zeros(0, np.int64)
        for n in range(1, order + 1):
            keys = numbers[: len(tokens) - n + 1] * vocab + tokens[n - 1 :]
            longer, first, new, occur = np.unique(
                keys, return_index=True, return_inverse=True, return_counts=True
            )
            if n > 1:  # each different n-gram counts once for the (n-1)-gram that ends it
                counts = np.bincount(numbers[first + 1], minlength=len(grams))
                self.levels.append(_level(grams, counts, vocab, contexts))
                contexts = len(grams)
            grams, counts, numbers = longer, occur, new
        self.levels.append(_level(grams, counts, vocab, contexts))

    def nats(self, tokens: Int32[np.ndarray, " token"]) -> Float64[np.ndarray, " token"]:
        """Return minus the logarithm of each token's probability, given all tokens before it.

        Raises:
            DataError: a token is outside the vocabulary.
        """
        check_ids([tokens], self.vocab)
        probability = np.full(len(tokens), 1 / self.vocab)
        context = np.zeros(len(tokens), np.int64)  # -1 where it never occurred
        for level in self.levels:
            key = np.where(context < 0, -1, context * self.vocab + tokens)
            place = np.minimum(np.searchsorted(level.grams, key), len(level.grams) - 1)
            occurred = level.grams[place] == key
            known = (context >= 0) & (level.totals[context] > 0)
            longer = np.where(occurred, level.shares[place], 0) + level.left[context] * probability
            probability = np.where(known, longer, probability)
            context = np.append(-1, np.where(occurred, place, -1)[:-1])
        return -np.log(probability)


def discounts(counts: Int64[np.ndarray, " gram"]) -> tuple[float, float, float]:
    """Return what is taken off a count of 1, of 2, and of 3 or more: Chen and Goodman's estimate.

    A text in which no n-gram occurs 1, 2, 3 or 4 times, or that gives impossible values, has `DISCOUNTS`.
    """
    once, twice, thrice, four = (int((counts == n).sum()) for n in (1, 2, 3, 4))
    if not (once and twice and thrice and four):
        return DISCOUNTS
    rare = once / (once + 2 * twice)
    found = 1 - 2 * rare * twice / once, 2 - 3 * rare * thrice / twice, 3 - 4 * rare * four / thrice
    return found if all(0 < taken < n for n, taken in enumerate(found, 1)) else DISCOUNTS


def unigram(tokens: Int32[np.ndarray, " token"], vocab: int) -> Float64[np.ndarray, " vocab"]:
    """Return the probability of each token without a context: its count plus one, over the sum of these.

    Raises:
        DataError: a token is outside the vocabulary.
    """
    check_ids([tokens], vocab)
    return (np.bincount(tokens, minlength=vocab) + 1) / (len(tokens) + vocab)


def _level(grams: np.ndarray, counts: np.ndarray, vocab: int, contexts: int) -> Level:
    taken = np.array([0, *discounts(counts)])[np.minimum(counts, 3)]
    context = grams // vocab
    totals = np.bincount(context, counts, contexts)
    left = np.bincount(context, taken, contexts) / np.maximum(totals, 1)
    return Level(grams, (counts - taken) / np.maximum(totals[context], 1), totals, left)
