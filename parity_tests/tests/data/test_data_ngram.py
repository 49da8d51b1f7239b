"""N-gram models: against probabilities computed by hand, and against the definition written out."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data.baselines import ngram
from data.baselines.ngram import KneserNey, discounts, unigram
from data.baselines.scores import baseline_scores, masked_accuracy
from data.batches.masking import MaskedBatch
from data.batches.windows import Stream, bits_per_byte, cut, join
from data.errors import DataError
from data.sets import datasets
from data.tokenizers.bpe import train_bpe
from data.tokenizers.word_piece import train_tokenizer

DATA = os.environ.get("TWINFORMER_DATA")
ABABC = np.array([0, 1, 0, 1, 2], np.int32)  # of a vocabulary of four; its discounts are 0.5, 1, 1.5


def markov(count, vocab, seed):
    """Tokens of which each mostly follows from the one before, all drawn from raw bits."""
    bits = np.random.Philox(seed).random_raw(2 * count).reshape(count, 2)
    tokens = [0]
    for change, drawn in bits.tolist():
        tokens.append(drawn % vocab if change % 4 == 0 else (tokens[-1] * 7 + change % 3) % vocab)
    return np.array(tokens, np.int32)


TOKENS = markov(2000, 30, seed=1)


def after(model, *context):
    """The probability of every token of the vocabulary after a context."""
    tokens = [np.array([*context, token], np.int32) for token in range(model.vocab)]
    return np.exp([-model.nats(one)[-1] for one in tokens])


def test_bigrams_by_hand():
    model = KneserNey(ABABC, vocab=4, order=2)
    # a, b and c each follow one token: (1 - 0.5) / 3 + 0.5 / 4; d follows none.
    once = np.array([7, 7, 7, 3]) / 24
    np.testing.assert_allclose(after(model), once)
    np.testing.assert_allclose(after(model, 3), once)  # a context that never occurred
    np.testing.assert_allclose(after(model, 2), once)  # one that nothing followed
    np.testing.assert_allclose(after(model, 0), [0, (2 - 1) / 2, 0, 0] + 0.5 * once)
    np.testing.assert_allclose(after(model, 3, 1), [0.5 / 2, 0, 0.5 / 2, 0] + 0.5 * once)
    expected = [3 / 24, 7 / 24, 31 / 48, 19 / 48]
    np.testing.assert_allclose(np.exp(-model.nats(np.array([3, 0, 1, 2], np.int32))), expected)


def test_one_gram_counts_what_occurs():
    # a and b occur twice, c once: counts less 1, 1 and 0.5, and their sum shared evenly.
    np.testing.assert_allclose(after(KneserNey(ABABC, 4, 1)), np.array([1, 1, 0.5, 0]) / 5 + 2.5 / 5 / 4)


def test_discounts_are_chen_and_goodmans():
    counts = np.repeat([1, 2, 3, 4, 9], [8, 3, 2, 1, 5])
    assert discounts(counts) == pytest.approx((4 / 7, 6 / 7, 13 / 7))  # 8 / (8 + 2 * 3) = 4 / 7
    assert discounts(np.array([1, 2, 3, 5])) == ngram.DISCOUNTS
    assert discounts(np.repeat([1, 2, 3, 4], [1, 1, 9, 1])) == ngram.DISCOUNTS  # the second would be -7


def defined(tokens, vocab, order, context, token):
    """The probability by the definition, with dictionaries."""

    def count(n):
        grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
        if n == order:
            return Counter(grams)
        longer = {tuple(tokens[i : i + n + 1]) for i in range(len(tokens) - n)}
        return Counter(gram[1:] for gram in longer)

    probability = 1 / vocab
    for n in range(1, order + 1):
        if n - 1 > len(context):
            break
        counts = count(n)
        taken = (0, *discounts(np.array(list(counts.values()))))
        seen = tuple(context[len(context) - n + 1 :])
        follow = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == seen}
        if follow:
            total = sum(follow.values())
            left = sum(taken[min(c, 3)] for c in follow.values()) / total
            own = follow.get(token, 0)
            probability = (own - taken[min(own, 3)]) / total + left * probability
    return probability


def test_the_text_of_these_tests_is_large_enough_for_discounts_of_its_own():
    pairs = Counter(zip(TOKENS.tolist(), TOKENS[1:].tolist(), strict=False))
    assert discounts(np.array(list(pairs.values()))) != ngram.DISCOUNTS


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_the_definition_written_out_gives_the_same(order):
    model = KneserNey(TOKENS, 31, order)  # token 30 never occurs
    unseen = np.append(markov(40, 30, seed=2), [30, 4, 30]).astype(np.int32)
    expected = [defined(TOKENS.tolist(), 31, order, unseen[:i].tolist(), t) for i, t in enumerate(unseen)]
    np.testing.assert_allclose(np.exp(-model.nats(unseen)), expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_probabilities_sum_to_one_after_any_context(order):
    model = KneserNey(TOKENS, 31, order)
    for context in ((), TOKENS[:4], TOKENS[-4:], TOKENS[50:60], (30,), (30, 3), (3, 30, 3, 4)):
        found = after(model, *context)
        assert found.min() > 0
        assert found.sum() == pytest.approx(1, abs=1e-12)
    assert unigram(TOKENS, 31).sum() == pytest.approx(1, abs=1e-12)


def test_unigram_by_hand():
    np.testing.assert_allclose(unigram(ABABC, 4), [3 / 9, 3 / 9, 2 / 9, 1 / 9])


def windows(tokens):
    return cut(Stream(tokens, np.full(len(tokens), 2, np.int32)), 10)


def test_baselines_score_the_labels_of_the_test_split():
    train, validation, test = (windows(markov(n, 30, seed)) for n, seed in ((3000, 1), (500, 2), (500, 3)))
    once, best = baseline_scores(train, validation, test, 30)
    order = int(best.name.removesuffix("-gram"))
    scores = {n: KneserNey(train.tokens, 30, n).nats(validation.tokens)[1:].mean() for n in (2, 3, 4, 5)}
    assert scores[order] == min(scores.values())
    assert best.nats_per_token == KneserNey(train.tokens, 30, order).nats(test.tokens)[1:].mean()
    by_hand = -np.log(unigram(train.tokens, 30)[test.labels]).mean()
    assert once.name == "unigram" and once.nats_per_token == pytest.approx(by_hand)
    assert best.nats_per_token < once.nats_per_token - 0.5
    for score in (once, best):
        assert score.bits_per_byte == pytest.approx(bits_per_byte(score.nats_per_token, test))
        assert score.bits_per_byte == pytest.approx(score.nats_per_token / np.log(2) / 2)


def test_the_order_is_chosen_on_validation_alone():
    train, test = windows(markov(3000, 30, seed=1)), windows(markov(500, 30, seed=3))
    _, fitted = baseline_scores(
        train, train, test, 30
    )  # what was counted is best known by its longest n-grams
    assert fitted.name == "5-gram"
    assert baseline_scores(train, test, train, 30)[1].name != "5-gram"


def test_on_shuffled_tokens_no_context_helps():
    bits = np.random.Philox(4)
    train, validation, test = (
        windows((bits.random_raw(n) % np.uint64(30)).astype(np.int32)) for n in (5000, 500, 500)
    )
    once, best = baseline_scores(train, validation, test, 30)
    assert best.nats_per_token > once.nats_per_token > np.log(30) - 0.01


def test_the_masked_accuracy_is_that_of_the_commonest_ordinary_token():
    tokenizer = train_tokenizer(["the cat sat on the mat"], 40)
    train = windows(np.array([3] * 9 + [6] * 5 + [7] * 4 + [8] * 3, np.int32))
    labels = np.array([[6, 7, 6], [3, 6, 8]], np.int32)
    weights = np.array([[1, 1, 1], [0, 1, 1]], np.float32)
    batch = MaskedBatch(np.zeros((2, 10), np.int32), np.zeros((2, 3), np.int32), labels, weights)
    assert masked_accuracy(train, tokenizer, [batch, batch]) == pytest.approx(3 / 5)


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(DataError, match="order=0 for 5 tokens"):
        KneserNey(ABABC, 4, 0)
    with pytest.raises(DataError, match="order=6 for 5 tokens: give 1 to 5"):
        KneserNey(ABABC, 4, 6)
    for count in (lambda: KneserNey(ABABC, 2, 1), lambda: unigram(ABABC, 2)):
        with pytest.raises(DataError, match=r"position 4: token id 2 .*vocab=2"):
            count()


@pytest.mark.skipif(
    not DATA or not (Path(DATA) / "ag_news" / "train_sample_10000.csv").is_file(),
    reason="needs the sample: set TWINFORMER_DATA to the folder that holds ag_news/train_sample_10000.csv",
)
def test_the_scores_on_the_news_are_those_written_down():
    corpus = datasets.load_corpus("ag_news_10k")
    tokenizer = train_bpe(corpus.train, 8000)
    splits = (cut(join(tokenizer, split), 128) for split in (corpus.train, corpus.validation, corpus.test))
    once, best = baseline_scores(*splits, 8000)
    assert best.name == "5-gram"
    assert once.bits_per_byte == pytest.approx(2.762, abs=0.005)
    assert best.bits_per_byte == pytest.approx(1.834, abs=0.005)
