"""Where each split's texts arrive in tokenizer, batches and baselines; what is masked, dropped and cut."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from data import encode, evaluation_batches
from parity_tests.tests.train import marked
from parity_tests.tests.train.marked import MARKS, names_in, reader, splits_in
from parity_tests.tests.train.marked_tasks import (
    BATCH,
    HELD_OUT,
    LANGUAGE,
    MODELS,
    plain_ids,
    rows_in,
    shared,
    task_of,
    unmasked,
    written,
)
from train.config import Text
from train.tasks import language
from train.tasks.classifier import EVALUATION_BATCH


@pytest.mark.parametrize("family", MODELS)
def test_the_tokenizer_knows_the_words_of_the_training_split_alone(family: str) -> None:
    tokenizer = shared(family).tokenizer
    known = {
        split: [token for token in tokenizer.get_vocab() if mark in token] for split, mark in MARKS.items()
    }
    assert known["train"] and not known["validation"] and not known["test"]
    for split in MARKS:  # and can spell all others
        assert reader(tokenizer)(tokenizer.encode(marked.text(split, 1)).ids) == marked.text(split, 1)


@pytest.mark.parametrize("family", MODELS)
def test_a_tokenizer_that_is_given_is_not_trained_again(family: str) -> None:
    tokenizer = shared(family).tokenizer
    before = tokenizer.to_str()
    assert task_of(family, tokenizer).tokenizer is tokenizer and tokenizer.to_str() == before


def test_an_epoch_of_the_classifier_has_each_training_text_once_with_its_label() -> None:
    task = shared("classifier")
    assert task.steps_per_epoch == marked.SIZES["train"] // BATCH == 6
    for epoch in range(2):
        batches = [task.batch(step) for step in range(6 * epoch, 6 * epoch + 6)]
        texts = [text for batch in batches for text in rows_in(task, batch)]
        assert Counter(texts) == Counter(marked.texts("train"))
        for batch in batches:
            for text, label in zip(rows_in(task, batch), batch.labels, strict=True):
                assert marked.CLASSES[label] == text.split()[2]


@pytest.mark.parametrize("family", LANGUAGE)
def test_an_epoch_of_a_language_model_has_windows_of_the_training_split_none_twice(family: str) -> None:
    task = shared(family)
    windows = Counter(map(bytes, task.windows["train"].ids))
    found = names_in(reader(task.tokenizer)(task.windows["train"].ids))
    assert found == marked.names("train")[: len(found)] and len(found) >= marked.SIZES["train"] - 3
    assert task.steps_per_epoch == windows.total() // BATCH
    for epoch in range(2):
        steps = range(epoch * task.steps_per_epoch, (epoch + 1) * task.steps_per_epoch)
        rows = Counter(bytes(row) for step in steps for row in unmasked(task.batch(step)))
        assert rows <= windows and rows.total() == windows.total() // BATCH * BATCH
    assert splits_in(written(task, [task.batch(step) for step in range(40)])) == {"train"}


@pytest.mark.parametrize("family", MODELS)
def test_the_model_is_the_configuration_s_with_the_data_s_tokens_and_classes(family: str) -> None:
    task = shared(family)
    classes = {"classes": len(marked.CLASSES)} if family == "classifier" else {}
    found = {"vocab": task.tokenizer.get_vocab_size(), **classes}
    assert task.architecture.config == replace(MODELS[family], **found)
    assert found["vocab"] < MODELS[family].vocab or family == "gpt"


def evaluated(task: Any) -> Sequence[Any]:
    """The batches of validation."""
    if task.config.family != "classifier":
        return task.evaluation("validation")
    labels = task.texts.validation.labels
    return evaluation_batches(task.examples["validation"], labels, EVALUATION_BATCH, task.buckets)


@pytest.mark.parametrize("family", MODELS)
def test_parity_is_checked_on_training_batches_of_every_width(family: str) -> None:
    """And its evaluation on validation: a report of the test split is none of its business."""
    task = task_of(family, text=Text(batch=2, buckets=3))
    checked, batches = task.widths(12), [task.batch(step) for step in range(12)]
    assert (len(checked) > 1) == (family == "classifier")
    for found, whole in ((checked, batches), (task.evaluated(), evaluated(task))):
        widths = [batch.ids.shape[1] for batch in found]
        assert sorted(widths) == sorted({batch.ids.shape[1] for batch in whole})
        for batch in found:
            rows = sorted(map(bytes, batch.ids))
            assert any(rows == sorted(map(bytes, other.ids)) for other in whole)
            for name, array in task.inputs(batch).items():
                np.testing.assert_array_equal(array, getattr(batch, name, np.ones(batch.ids.shape, bool)))
    assert [batch.ids.shape[1] for batch in checked] == sorted(
        {b.ids.shape[1] for b in checked}, reverse=True
    )
    assert splits_in(written(task, checked)) == {"train"}
    assert splits_in(written(task, task.evaluated())) == {"validation"}


@pytest.mark.parametrize("split", MARKS)
def test_the_bytes_of_a_split_are_those_of_its_text(split: str) -> None:
    """Counted from what each token stands for: all is ASCII, and BPE drops nothing."""
    task = shared("gpt")
    tokens = task.windows[split].tokens[1:].tolist()
    assert task.windows[split].bytes == sum(len(task.tokenizer.decode([token])) for token in tokens)


def test_masks_are_the_same_in_every_evaluation() -> None:
    """Of either split, whatever the run's seed and batch."""
    one, other = task_of("bert", seed=0), task_of("bert", seed=7, text=Text(batch=9))
    for split in HELD_OUT:
        first = one.evaluation(split)
        assert sum(len(batch.ids) for batch in first) == len(one.windows[split])
        for again in (one.evaluation(split), other.evaluation(split)):
            for ours, batch in zip(first, again, strict=True):
                assert all(np.array_equal(a, b) for a, b in zip(ours, batch, strict=True))


def test_masks_are_drawn_anew_in_every_epoch() -> None:
    """For each window, and for each row of the batch, in epochs of one batch."""
    task = task_of("bert", text=Text(batch=len(shared("bert").windows["train"])))
    first, second = map(task.batch, (0, 1))
    assert task.steps_per_epoch == 1
    by_row = (first.masked_positions == second.masked_positions).all(axis=1)
    one, other = (
        {bytes(row): p for row, p in zip(unmasked(batch), batch.masked_positions, strict=True)}
        for batch in (first, second)
    )
    assert one.keys() == other.keys() and len(one) == len(by_row) > 15
    assert by_row.mean() < 0.1
    assert np.mean([(one[row] == other[row]).all() for row in one]) < 0.1


def test_a_seed_has_batches_and_dropped_words_of_its_own() -> None:
    for family in MODELS:
        one, again, other = (task_of(family, seed=seed).batch(3) for seed in (0, 0, 1))
        assert np.array_equal(one.ids, again.ids)
        assert one.ids.shape != other.ids.shape or (one.ids != other.ids).any()
    one, other = (dropping(seed) for seed in (0, 1))
    assert 0.5 < (pattern(one, 0) == pattern(other, 0))[one.batch(0).mask & other.batch(0).mask].mean() < 0.7


def dropping(seed: int = 0) -> Any:
    """A task whose epoch is one batch, and words are dropped."""
    return task_of("classifier", seed=seed, text=Text(batch=48, buckets=1, word_dropout=0.3))


def pattern(task: Any, step: int) -> np.ndarray:
    """Where a batch has [UNK]."""
    return task.batch(step).ids == task.tokenizer.token_to_id("[UNK]")


def test_words_are_dropped_anew_in_every_epoch() -> None:
    """At a place of the batch the draws of two epochs are alike as often as if drawn apart: 0.3^2 + 0.7^2."""
    task = dropping()
    assert task.steps_per_epoch == 1
    for step in range(3):
        assert 0.2 < pattern(task, step)[task.batch(step).mask].mean() < 0.4
        for other in range(step):
            both = task.batch(step).mask & task.batch(other).mask
            assert 0.5 < (pattern(task, step) == pattern(task, other))[both].mean() < 0.7


def test_the_classifier_drops_no_words_unless_asked_to() -> None:
    assert not pattern(shared("classifier"), 0).any()


@pytest.mark.parametrize("marks", [False, True], ids=["plain", "in BERT's marks"])
def test_a_long_text_keeps_its_beginning(marks: bool) -> None:
    task, text = shared("classifier"), marked.text("train", 6)
    whole = plain_ids(task, text).tolist()
    cls, sep = (task.tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
    (ids,), cut = encode(task.tokenizer, [text], 6, marks)
    assert ids.tolist() == ([cls, *whole[:4], sep] if marks else whole[:6]) and cut == 1
    (ids,), cut = encode(task.tokenizer, [text], len(whole) + 2 * marks, marks)
    assert ids.tolist() == ([cls, *whole, sep] if marks else whole) and cut == 0


def test_texts_are_cut_to_the_model_and_counted() -> None:
    short = replace(MODELS["classifier"], max_positions=9)
    task = task_of("classifier", shared("classifier").tokenizer, model=short)
    whole = {split: [plain_ids(task, text) for text in marked.texts(split)] for split in MARKS}
    for split, examples in task.examples.items():
        assert [ids.tolist() for ids in examples] == [ids[:9].tolist() for ids in whole[split]]
    assert task.truncated == sum(len(ids) > 9 for split in MARKS for ids in whole[split]) > 0
    assert f"{task.truncated} texts cut to 9 tokens" in task.describe()


@pytest.mark.parametrize("family", LANGUAGE)
def test_baselines_count_the_training_split_choose_on_validation_and_score_test(family: str) -> None:
    task, whole = task_of(family), language.baseline_scores
    with mock.patch.object(language, "baseline_scores", side_effect=whole) as counting:
        baselines = task.baselines
    given = [splits_in(reader(task.tokenizer)(windows.tokens)) for windows in counting.call_args.args[:3]]
    assert given == [{"train"}, {"validation"}, {"test"}]
    counts = Counter(task.windows["train"].tokens.tolist())
    vocab, labels = task.tokenizer.get_vocab_size(), task.windows["test"].tokens[1:].tolist()
    shares = [(counts[token] + 1) / (counts.total() + vocab) for token in labels]
    assert baselines["unigram"]["loss"] == pytest.approx(-np.log(shares).mean())
    for row in baselines.values():
        assert row["perplexity"] == pytest.approx(np.exp(row["loss"]))
        bits = row["loss"] / np.log(2) * len(labels)
        assert row["bits_per_byte"] == pytest.approx(bits / task.windows["test"].bytes)
    assert ("accuracy" in baselines["unigram"]) == (family == "bert")


def test_the_masked_accuracy_of_counting_is_of_training_tokens_on_test_masks() -> None:
    task = shared("bert")
    tokens = [t for t in task.windows["train"].tokens.tolist() if task.tokenizer.id_to_token(t)[0] != "["]
    ((commonest, _),) = Counter(tokens).most_common(1)
    masked = [t for batch in task.evaluation("test") for t in batch.labels[batch.weights == 1].tolist()]
    assert task.baselines["unigram"]["accuracy"] == pytest.approx(masked.count(commonest) / len(masked))
    assert 0 < masked.count(commonest) < len(masked) / 2
