"""The learned-something report: its figures against hand-made ones."""

import numpy as np
import pytest
from rich.console import Console

from data import LabelledText, Split, evaluation_batches
from train.tasks.classifier import in_order
from train.tasks.classifier_report import learned_report, print_report, scores

TEXTS = LabelledText(
    "made up",
    ("left", "right"),
    *(
        Split(tuple(f"text number {n}" for n in range(size)), np.int32(labels))
        for size, labels in ((4, [1, 1, 1, 0]), (2, [0, 1]), (4, [0, 1, 1, 0]))
    ),
)


def test_scores_are_cross_entropy_and_accuracy() -> None:
    logits = np.log(np.float64([[0.9, 0.1], [0.2, 0.8], [0.75, 0.25]]))
    result = scores(logits, np.int32([0, 1, 1]))
    assert result["accuracy"] == pytest.approx(2 / 3)
    assert result["loss"] == pytest.approx(-np.log([0.9, 0.8, 0.25]).mean())


def test_huge_logits_do_not_overflow() -> None:
    assert scores(np.float32([[1e4, -1e4]]), np.int32([0]))["loss"] == 0.0


def test_report_names_baseline_and_gain() -> None:
    wrong, right = np.float32([[0, 1], [1, 0], [1, 0], [0, 1]]), np.float32([[9, 0], [0, 9], [0, 9], [9, 0]])
    report = learned_report(TEXTS, wrong, right)
    assert report["majority_class"]["class"] == "right"
    assert report["majority_class"]["accuracy"] == 0.5
    assert report["majority_class"]["loss"] == pytest.approx(-np.log([0.25, 0.75, 0.75, 0.25]).mean())
    assert (report["untrained"]["accuracy"], report["trained"]["accuracy"]) == (0.0, 1.0)
    assert report["learned"] and not learned_report(TEXTS, right, wrong)["learned"]
    first = report["first_batch"][0]
    assert (first["text"], first["truth"], first["prediction"]) == ("text number 0", "left", "left")
    assert first["probability"] == pytest.approx(1 / (1 + np.exp(-9.0)))


def test_report_is_printed_with_its_figures() -> None:
    console = Console(width=90, record=True)
    print_report(learned_report(TEXTS, np.eye(2)[[0, 0, 0, 0]], np.eye(2)[[0, 1, 1, 1]]), "jax", console)
    text = console.export_text()
    assert "75.00%" in text and "always 'right'" in text and "text number 3" in text


def test_logits_return_to_the_order_of_the_examples() -> None:
    examples = [np.full(length, length, np.int32) for length in (5, 1, 3, 8, 2)]
    batches = evaluation_batches(examples, np.zeros(5, np.int32), 2, (2, 4, 8))
    logits = [np.float32(np.stack([batch.ids[:, 0], batch.ids[:, 0]], axis=1)) for batch in batches]
    assert in_order(batches, logits)[:, 0].tolist() == [5, 1, 3, 8, 2]
