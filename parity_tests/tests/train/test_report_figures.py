"""The figures of the reports, by hand and by others, on cases that no mirrored mistake survives.

No two splits have the same frequencies, no two classes, and no figure is the same from the other end.
"""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import binom
from tokenizers import Tokenizer, models

from data import LabelledText, MaskedBatch, Seq2SeqBatch, Split
from data.tokenizers.symbols import symbol_tokenizer
from train.tasks import classifier_report, seq2seq_report
from train.tasks.masked_lm_report import filled_masks
from train.tasks.next_token_report import continuations

CLASSES = ("plum", "apple", "fig")  # in no order of their names
TRAIN, TEST = [1, 1, 0, 1, 2, 1, 0, 1], [2, 2, 0, 2, 1, 0, 2]
LOGITS = np.random.default_rng(3).standard_normal((7, 3)).astype(np.float32)


def labelled(train: list[int], test: list[int], classes: tuple[str, ...] = CLASSES) -> LabelledText:
    def split(name: str, labels: list[int]) -> Split:
        return Split(tuple(f"{name} text {row}" for row in range(len(labels))), np.array(labels, np.int32))

    return LabelledText(
        "made up", classes, split("train", train), split("validation", [0]), split("test", test)
    )


def test_scores_are_pytorch_s_loss_and_a_share() -> None:
    found = classifier_report.scores(LOGITS, np.array(TEST, np.int32))
    theirs = torch.nn.functional.cross_entropy(torch.tensor(LOGITS), torch.tensor(TEST))
    assert found["loss"] == pytest.approx(theirs.item(), rel=1e-6)
    right = [int(np.argmax(row) == label) for row, label in zip(LOGITS, TEST, strict=True)]
    assert found["accuracy"] == sum(right) / 7 and 0 < sum(right) < 7


def test_the_baseline_has_the_training_split_s_frequencies_and_the_test_split_s_truth() -> None:
    """Five apples, two plums and a fig are trained on; four figs, two plums and an apple are tested."""
    found = classifier_report.majority_baseline(labelled(TRAIN, TEST))
    assert found["class"] == "apple" and found["accuracy"] == pytest.approx(1 / 7)
    assert found["loss"] == pytest.approx(-(4 * np.log(1 / 8) + 2 * np.log(2 / 8) + np.log(5 / 8)) / 7)


def test_a_class_that_training_has_not_costs_much_but_not_everything() -> None:
    found = classifier_report.majority_baseline(labelled([1, 1], [2]))
    assert found["loss"] == pytest.approx(-np.log(1e-12))


@pytest.mark.parametrize("right", [1, 3, 6])
def test_the_error_bar_is_the_standard_error_of_a_share(right: int) -> None:
    logits = np.eye(3, dtype=np.float32)[[(label + (row >= right)) % 3 for row, label in enumerate(TEST)]]
    report = classifier_report.learned_report(labelled(TRAIN, TEST), LOGITS, logits)
    assert report["trained"]["accuracy"] == pytest.approx(right / 7)
    assert report["standard_error"] == pytest.approx(binom.std(7, right / 7) / 7)
    assert report["untrained"] == classifier_report.scores(LOGITS, np.array(TEST, np.int32))


@pytest.mark.parametrize(("right", "learned"), [(59, False), (61, True), (39, False)])
def test_a_classifier_has_learned_if_it_passes_the_majority_by_two_standard_errors(
    right: int, learned: bool
) -> None:
    """Of a hundred texts half are of the commonest class; two standard errors are 9.8 points."""
    test = [1] * 50 + [0] * 50
    logits = np.eye(3, dtype=np.float32)[[(label + (row >= right)) % 3 for row, label in enumerate(test)]]
    assert classifier_report.learned_report(labelled(TRAIN, test), logits, logits)["learned"] is learned


def test_the_texts_shown_are_spread_over_the_test_split() -> None:
    test = list(np.arange(190) % 3)
    logits = np.random.default_rng(0).standard_normal((190, 3)).astype(np.float32)
    rows = classifier_report.learned_report(labelled(TRAIN, test), LOGITS[:1].repeat(190, 0), logits)[
        "first_batch"
    ]
    assert [row["row"] for row in rows] == [3 * number for number in range(64)]
    for row in rows:
        number = row["row"]
        assert row["text"] == f"test text {number}" and row["truth"] == CLASSES[test[number]]
        chances = softmax(logits[number].astype(np.float64))
        assert row["prediction"] == CLASSES[chances.argmax()]
        assert row["probability"] == pytest.approx(chances.max())


def translations(*targets: list[int]) -> Seq2SeqBatch:
    """Targets as they are given, whose sources are the same backwards; 2 ends them."""
    rows, longest = len(targets), max(map(len, targets))
    source, labels = np.zeros((2, rows, longest + 1), np.int32)
    for row, target in enumerate(targets):
        source[row, : len(target)] = target[::-1]
        labels[row, : len(target) + 1] = [*target, 2]
    ahead = np.concatenate([np.ones((rows, 1), np.int32), labels[:, :-1]], axis=1)
    return Seq2SeqBatch(source, source != 0, ahead, labels, (labels != 0).astype(np.float32))


DRAWN = [translations([3, 3, 5], [3, 4, 3, 3]), translations([4, 3])]  # 6 threes, 2 fours, a five, 3 ends
HELD_OUT = translations([5, 5], [4, 5, 5], [3, 5])  # a three, a four, 5 fives, 3 ends


def test_the_baseline_of_translations_has_the_training_tokens_frequencies() -> None:
    found = seq2seq_report.baseline(DRAWN, HELD_OUT)
    shares = {3: 6 / 12, 4: 2 / 12, 5: 1 / 12, 2: 3 / 12}
    assert found["accuracy"] == pytest.approx(1 / 10)
    nats = -(np.log(shares[3]) + np.log(shares[4]) + 5 * np.log(shares[5]) + 3 * np.log(shares[2])) / 10
    assert found["loss"] == pytest.approx(nats) and found["sequence_accuracy"] == 0.0


def test_a_translation_is_right_up_to_its_end() -> None:
    decoded = np.array(
        [[5, 5, 2, 9], [4, 5, 5, 2], [3, 4, 2, 0]], np.int32
    )  # the first goes on behind its end
    right = seq2seq_report.right_tokens(decoded, HELD_OUT)
    assert right.tolist() == [[True] * 4, [True] * 4, [True, False, True, True]]
    late = np.array([[5, 5, 5, 2], [4, 5, 5, 9], [3, 5, 2, 0]], np.int32)  # one ends late, one never
    assert seq2seq_report.right_tokens(late, HELD_OUT).all(axis=1).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("untrained", "trained", "learned"), [(0.1, 0.24, False), (0.1, 0.6, True), (0.6, 0.1, False)]
)
def test_a_translator_has_learned_if_it_passes_itself_by_two_standard_errors(
    untrained: float, trained: float, learned: bool
) -> None:
    """Of 20 sequences: the second error is below 22 points, the first 19."""
    batch = translations(*[[3 + row % 4, 4] for row in range(20)])
    before, after = ({"sequence_accuracy": share, "loss": share} for share in (untrained, trained))
    report = seq2seq_report.learned_report(
        "made up", DRAWN, batch, batch.labels, symbol_tokenizer(6), before, after
    )
    assert report["standard_error"] == pytest.approx(binom.std(20, trained) / 20)
    assert report["learned"] is learned
    assert (report["untrained"], report["trained"]) == (before, after)
    assert report["test_examples"] == 20 and len(report["first_batch"]) == 8


def words(count: int) -> Tokenizer:
    return Tokenizer(models.WordLevel({f"w{number}": number for number in range(count)}, unk_token="w0"))


def test_a_filled_mask_is_the_first_that_counts_with_its_surroundings() -> None:
    ids = np.arange(60, dtype=np.int32).reshape(2, 30)
    batch = MaskedBatch(
        ids,
        np.array([[4, 12, 20], [3, 9, 28]], np.int32),
        np.array([[50, 51, 52], [53, 54, 55]], np.int32),
        np.array([[0, 1, 1], [1, 1, 0]], np.float32),
    )
    logits = np.random.default_rng(1).standard_normal((2, 3, 60)).astype(np.float32)
    for row, (shown, place) in enumerate(zip(filled_masks(logits, words(60), batch), (1, 0), strict=True)):
        position, chances = batch.masked_positions[row, place], softmax(logits[row, place].astype(np.float64))
        before = [f"w{token}" for token in ids[row, max(0, position - 8) : position]]
        after = [f"w{token}" for token in ids[row, position + 1 : position + 7]]
        assert shown["text"] == " ".join([*before, "[MASK]", *after])
        assert shown["truth"] == f"w{batch.labels[row, place]}"
        assert shown["prediction"] == f"w{chances.argmax()}"
        assert shown["probability"] == pytest.approx(chances.max())


def test_a_continuation_is_written_token_by_token_on_what_was_written() -> None:
    """A model that adds 2 to the token before, and knows nothing of later ones."""

    def add_two(ids: np.ndarray) -> Any:
        return np.eye(99)[(ids + 2) % 99]

    ids = np.arange(24, dtype=np.int32).reshape(2, 12)
    for row, shown in enumerate(continuations(add_two, words(99), ids)):
        first = 12 * row
        assert shown["text"] == " ".join(f"w{first + place}" for place in range(6))
        assert shown["truth"] == " ".join(f"w{first + place}" for place in range(6, 12))
        assert shown["prediction"] == " ".join(f"w{first + 5 + 2 * place}" for place in range(1, 7))
