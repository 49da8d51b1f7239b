"""Where each split's texts arrive in scores and reports, and with which weights."""

from collections import Counter
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

from data import MaskedBatch, NextTokenBatch
from parity_tests.tests.train import marked
from parity_tests.tests.train.marked import names_in, reader, splits_in
from parity_tests.tests.train.marked_tasks import HELD_OUT, LANGUAGE, plain_ids, shared, task_of, written
from parity_tests.tests.train.recording_loop import RecordingLoop, answer
from train.config import Text

pytestmark = pytest.mark.usefixtures("unchecked")  # the recording loop is no backend

UNTRAINED, TRAINED = {"weight": np.float32([0.0])}, {"weight": np.float32([5.0])}


def texts_read(task: Any, loop: RecordingLoop, weight: float) -> Counter[str]:
    """The texts whose classes were asked for with this weight; a filler row has none."""
    read = reader(task.tokenizer)
    rows = [read(row) for used, (ids, *_) in loop.read if used == weight for row in ids]
    return Counter(row for row in rows if row)


@pytest.mark.parametrize("split", HELD_OUT)
def test_scores_of_the_classifier_are_of_all_texts_of_their_split(split: str) -> None:
    """The loss is PyTorch's."""
    task, loop = shared("classifier"), RecordingLoop()
    with mock.patch("train.tasks.classifier.EVALUATION_BATCH", 16):  # divides neither split
        found = task.scores(loop, TRAINED, split)
    assert texts_read(task, loop, 5.0) == Counter(marked.texts(split))
    rows = [plain_ids(task, text)[None] for text in marked.texts(split)]
    logits = np.concatenate([answer("classifier", 0, 3, 5.0, row, None) for row in rows])
    labels = marked.labels(split)
    assert found["accuracy"] == pytest.approx((logits.argmax(axis=1) == labels).mean())
    assert 0.1 < found["accuracy"] < 0.9
    theirs = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(labels).long())
    assert found["loss"] == pytest.approx(theirs.item())


@pytest.mark.parametrize("split", HELD_OUT)
@pytest.mark.parametrize("family", LANGUAGE)
def test_scores_of_a_language_model_are_the_mean_over_all_windows_of_their_split(
    family: str, split: str
) -> None:
    task, loop = task_of(family), RecordingLoop()
    with mock.patch(f"{type(task).__module__}.EVALUATION_BATCH", 7):
        found = task.scores(loop, TRAINED, split)
    ((weight, batches),) = loop.evaluated
    assert weight == 5.0 and len(batches[0].ids) == 7 != len(batches[-1].ids)
    names = names_in(written(task, batches))
    assert names == marked.names(split)[: len(names)] and len(names) >= marked.SIZES[split] - 3
    assert splits_in(written(task, batches)) == {split}
    counted = [batch.labels[getattr(batch, "weights", np.ones(batch.labels.shape)) == 1] for batch in batches]
    nats = np.concatenate(counted).mean() / 100  # as `recording_loop` has it
    assert found["loss"] == pytest.approx(nats) and found["accuracy"] == 0.5
    assert found["perplexity"] == pytest.approx(np.exp(nats))
    tokens = len(task.windows[split].tokens) - 1
    assert found["bits_per_byte"] == pytest.approx(nats / np.log(2) * tokens / task.windows[split].bytes)


@pytest.mark.parametrize("family", [*LANGUAGE, "classifier", "seq2seq"])
def test_weights_are_drawn_from_the_run_s_seed(family: str) -> None:
    task, loop = task_of(family, seed=11), RecordingLoop()
    task.initial_params(loop)
    assert loop.drawn == [(task.architecture, 11)]


def test_no_words_are_dropped_in_evaluation() -> None:
    task, loop = task_of("classifier", text=Text(batch=8, word_dropout=0.5)), RecordingLoop()
    task.report(loop, UNTRAINED, TRAINED)
    for split in HELD_OUT:
        task.scores(loop, TRAINED, split)
    unknown = task.tokenizer.token_to_id("[UNK]")
    assert (task.batch(0).ids == unknown).any()
    assert loop.read and not any((ids == unknown).any() for _, (ids, _) in loop.read)


def test_a_batch_weighs_as_many_tokens_as_count() -> None:
    weights = np.array([[1, 0, 0], [1, 1, 0]], np.float32)
    places = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert shared("bert").predicted(MaskedBatch(places, places, places, weights)) == 3.0
    assert shared("gpt").predicted(NextTokenBatch(places, places)) == 6.0


def test_the_classifier_s_report_is_of_the_test_split() -> None:
    task, loop = shared("classifier"), RecordingLoop()
    report = task.report(loop, UNTRAINED, TRAINED)
    for weight in (0.0, 5.0):
        assert texts_read(task, loop, weight) == Counter(marked.texts("test"))
    assert report["untrained"]["loss"] == pytest.approx(np.log(3))
    assert report["trained"] == task.scores(loop, TRAINED, "test") != task.scores(loop, TRAINED, "validation")
    assert report["test_examples"] == marked.SIZES["test"]
    assert report["classes"] == list(marked.CLASSES) == list(task.classes)
    test = marked.labels("test")
    shares = np.array([4, 1, 1]) / 6  # of `marked.LABELS`, in training
    assert report["majority_class"] == {
        "class": "north",
        "accuracy": pytest.approx((test == 0).mean()),
        "loss": pytest.approx(-np.log(shares[test]).mean()),
    }
    assert len(report["first_batch"]) == marked.SIZES["test"]
    for row in report["first_batch"]:
        assert row["text"] == marked.text("test", row["row"])
        assert row["truth"] == row["text"].split()[2]
        assert row["prediction"] == marked.CLASSES[plain_ids(task, row["text"]).sum() % 3]
        assert row["probability"] == pytest.approx(np.exp(5) / (np.exp(5) + 2))


@pytest.mark.parametrize("family", LANGUAGE)
def test_a_language_model_s_report_is_of_the_test_split(family: str) -> None:
    task, loop = shared(family), RecordingLoop()
    report = task.report(loop, UNTRAINED, TRAINED)
    assert [weight for weight, _ in loop.evaluated] == [0.0, 5.0]
    assert all(splits_in(written(task, batches)) == {"test"} for _, batches in loop.evaluated)
    assert report["trained"] == task.scores(loop, TRAINED, "test")
    assert report["test_tokens"] == len(task.windows["test"].tokens) - 1
    assert report["test_bytes"] == task.windows["test"].bytes
    assert report["baselines"] == task.baselines
    assert {weight for weight, _ in loop.read} == {5.0}
    first = task.evaluation("test")[0].ids[:8]
    shown = [f"{row['text']} {row['truth']}" for row in report["first_batch"]]
    assert len(shown) == len(first) == 8 and splits_in(" ".join(shown)) == {"test"}
    assert all((inputs[0][:1] == first[:1]).mean() > 0.3 for _, inputs in loop.read)


@pytest.mark.parametrize("family", LANGUAGE)
@pytest.mark.parametrize(("share", "learned"), [(0.99, True), (1.01, False)])
def test_a_language_model_has_learned_if_it_passes_the_unigram(
    family: str, share: float, learned: bool
) -> None:
    """Not the n-gram, and not itself untrained."""
    task, loop = shared(family), RecordingLoop()
    nats = share * task.baselines["unigram"]["loss"]
    rows = mock.patch.object(loop, "evaluate", lambda *given: [{"loss": nats} for _ in given[-1]])
    assert min(row["loss"] for row in task.baselines.values()) < 0.99 * task.baselines["unigram"]["loss"]
    with rows:
        assert task.report(loop, UNTRAINED, TRAINED)["learned"] is learned


def held_out(task: Any, batch: Any) -> np.ndarray:
    """Whether a sequence's symbols add up to a multiple of their number."""
    return np.where(batch.source_mask, batch.source - 3, 0).sum(axis=1) % task.symbols == 0


def real_labels(batch: Any) -> list[int]:
    return batch.labels[batch.weights == 1].tolist()


def test_reversal_is_trained_and_scored_on_different_sequences() -> None:
    task = shared("seq2seq")
    assert not any(held_out(task, task.batch(step)).any() for step in range(100))
    validation, test = map(task.evaluation, HELD_OUT)
    assert held_out(task, validation).all() and held_out(task, test).all()
    assert len(validation.source) == len(test.source) == 500
    assert (validation.source != test.source).any(axis=1).mean() > 0.99
    for split, batch in (("validation", validation), ("test", test)):
        loop = RecordingLoop()
        found = task.scores(loop, TRAINED, split)
        ((_, (scored,)),), ((weight, source),) = loop.evaluated, loop.decoded
        assert scored is batch and weight == 5.0
        np.testing.assert_array_equal(source, batch.source)
        assert found["sequence_accuracy"] == 5 / 500


def test_reversal_s_report_is_of_the_test_split_and_its_baseline_of_training() -> None:
    task, loop = shared("seq2seq"), RecordingLoop()
    report, test = task.report(loop, UNTRAINED, TRAINED), task.evaluation("test")
    assert [weight for weight, _ in loop.evaluated] == [0.0, 5.0]
    assert all(batches[0] is test for _, batches in loop.evaluated)
    assert all((source == test.source).all() for _, source in loop.decoded)
    assert report["untrained"]["sequence_accuracy"] == 0.0
    assert report["trained"]["sequence_accuracy"] == 0.01
    counts = Counter(token for step in range(10) for token in real_labels(task.batch(step)))
    truth, ((commonest, _),) = real_labels(test), counts.most_common(1)
    (row,) = report["baselines"].values()
    nats = [-np.log(counts[token] / counts.total()) for token in truth]
    assert row["loss"] == pytest.approx(np.mean(nats))
    assert row["accuracy"] == pytest.approx(truth.count(commonest) / len(truth))
    for number, shown in enumerate(report["first_batch"]):
        symbols = (test.source[number][test.source_mask[number]] - 3).tolist()
        assert shown["source"] == " ".join(map(str, symbols))
        assert shown["truth"] == " ".join(map(str, reversed(symbols)))
        assert (shown["prediction"] == shown["truth"]) == (number < 5)
