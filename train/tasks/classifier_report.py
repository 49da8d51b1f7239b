"""The learned-something report: what the model knew before, what it knows now, and against what."""

from functools import lru_cache
from textwrap import shorten
from typing import Any

import numpy as np
from jaxtyping import Float, Int32
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data import LabelledText

SAMPLE = 64  # rows of the test split whose predictions are written out
SHOWN = 10  # of them printed


def scores(
    logits: Float[np.ndarray, "example classes"], labels: Int32[np.ndarray, " example"]
) -> dict[str, float]:
    """Mean cross-entropy in nats and share of right answers, in float64."""
    wide = logits.astype(np.float64)
    wide = wide - wide.max(axis=1, keepdims=True)
    log_probabilities = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    loss = -log_probabilities[np.arange(len(labels)), labels].mean()
    return {"loss": float(loss), "accuracy": float((logits.argmax(axis=1) == labels).mean())}


def majority_baseline(texts: LabelledText) -> dict[str, Any]:
    """Always the commonest class of the training split, with the training split's frequencies."""
    train, test = texts.train.labels, texts.test.labels
    frequencies = np.bincount(train, minlength=len(texts.classes)) / len(train)
    constant = np.log(np.maximum(frequencies, 1e-12))
    logits = np.tile(constant, (len(test), 1))
    return {"class": texts.classes[int(np.argmax(frequencies))], **scores(logits, test)}


@lru_cache(maxsize=1)  # once for both frameworks
def tf_idf_baseline(texts: LabelledText) -> dict[str, float]:
    """A logistic regression on weighted words: `tf_idf_logits`."""
    from data.baselines.tf_idf import tf_idf_logits  # and scipy, for which no start waits

    train, test = texts.train, texts.test
    return scores(tf_idf_logits(train.texts, train.labels, len(texts.classes), test.texts), test.labels)


def learned_report(
    texts: LabelledText,
    untrained: Float[np.ndarray, "example classes"],
    trained: Float[np.ndarray, "example classes"],
) -> dict[str, Any]:
    """The report as JSON, from both models' logits on the whole test split.

    ``learned`` is whether the trained model beats the majority class by more than two standard errors of
    its accuracy.
    """
    test = texts.test
    baseline, after = majority_baseline(texts), scores(trained, test.labels)
    error = float(np.sqrt(after["accuracy"] * (1 - after["accuracy"]) / len(test)))
    return {
        "data": texts.name,
        "classes": list(texts.classes),
        "test_examples": len(test),
        "majority_class": baseline,
        "tf_idf": tf_idf_baseline(texts),
        "untrained": scores(untrained, test.labels),
        "trained": after,
        "standard_error": error,
        "learned": after["accuracy"] > baseline["accuracy"] + 2 * error,
        "first_batch": [_prediction(texts, trained, row) for row in _sample(len(test))],
    }


def print_report(report: dict[str, Any], title: str, console: Console) -> None:
    """The report as tables for a person."""
    table = Table(
        title=f"{title}: {report['data']}, {report['test_examples']} test texts", title_justify="left"
    )
    table.add_column("model")
    table.add_column("test loss (nats)", justify="right")
    table.add_column("test accuracy", justify="right")
    majority = report["majority_class"]
    for name, row in (
        ("untrained", report["untrained"]),
        (f"always {majority['class']!r}", majority),
        ("tf-idf + logistic regression", report["tf_idf"]),
        ("trained", report["trained"]),
    ):
        table.add_row(name, f"{row['loss']:.4f}", f"{row['accuracy']:.2%}")
    console.print(table)
    learned = "It learned something" if report["learned"] else "It did NOT learn"
    margin, ahead = (
        100 * (report["trained"]["accuracy"] - other["accuracy"]) for other in (majority, report["tf_idf"])
    )
    console.print(
        f"{learned}: {margin:+.1f} points against the commonest class, {ahead:+.1f} against tf-idf "
        f"(one standard error: {100 * report['standard_error']:.1f}).\n"
    )
    table = Table(title="First test batch", title_justify="left")
    for heading in ("text", "truth", "prediction", "probability"):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "probability" else "left")
    longest = max(20, console.width - 30 - 2 * max(map(len, report["classes"])))
    rows = report["first_batch"]
    for row in rows[:: max(1, len(rows) // SHOWN)][:SHOWN]:
        text = shorten(row["text"], longest, placeholder=" …")
        wrong = "red" if row["prediction"] != row["truth"] else ""
        table.add_row(text, row["truth"], Text(row["prediction"], wrong), f"{row['probability']:.2f}")
    console.print(table)


def _sample(size: int) -> list[int]:
    """The first test batch: rows evenly spaced, since a split may be sorted by class."""
    return [int(row) for row in np.linspace(0, size - 1, min(SAMPLE, size))]


def _prediction(texts: LabelledText, logits: np.ndarray, row: int) -> dict[str, Any]:
    wide = np.exp(logits[row].astype(np.float64) - logits[row].max())
    best, test = int(wide.argmax()), texts.test
    return {
        "row": row,
        "text": test.texts[row],
        "truth": texts.classes[int(test.labels[row])],
        "prediction": texts.classes[best],
        "probability": float(wide[best] / wide.sum()),
    }
