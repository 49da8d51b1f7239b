"""What an encoder-decoder made of the test split, against what it knew before and what counting knows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int32
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tokenizers import Tokenizer

from data.batches.seq2seq import Seq2SeqBatch

ROWS = 8  # of the test split, shown
BASELINE = "commonest token"


def right_tokens(
    decoded: Int32[np.ndarray, "batch position"], batch: Seq2SeqBatch
) -> Bool[np.ndarray, "batch position"]:
    """Which tokens are the target's; all behind its end are, for they mean nothing."""
    return (decoded == batch.labels) | (batch.weights == 0)


def baseline(drawn: Sequence[Seq2SeqBatch], test: Seq2SeqBatch) -> dict[str, float]:
    """Always the training tokens' frequencies, always the commonest token: no sequence is right."""
    train = np.concatenate([batch.labels[batch.weights == 1] for batch in drawn])
    truth = test.labels[test.weights == 1]
    counts = np.bincount(train, minlength=truth.max() + 1)
    nats = -np.log(np.maximum(counts / counts.sum(), 1e-12))
    accuracy = float((truth == counts.argmax()).mean())
    return {"loss": float(nats[truth].mean()), "accuracy": accuracy, "sequence_accuracy": 0.0}


def learned_report(
    name: str,
    drawn: Sequence[Seq2SeqBatch],
    test: Seq2SeqBatch,
    decoded: Int32[np.ndarray, "example position"],
    tokenizer: Tokenizer,
    untrained: dict[str, float],
    trained: dict[str, float],
) -> dict[str, Any]:
    """The report as JSON. ``drawn`` are training batches, ``decoded`` what the trained model makes of the
    sources of ``test``.

    ``learned`` is whether the trained model gets more whole sequences right than the untrained one, by more
    than two standard errors of that share.
    """
    share = trained["sequence_accuracy"]
    error = float(np.sqrt(share * (1 - share) / len(test.source)))
    return {
        "data": name,
        "test_examples": len(test.source),
        "baselines": {BASELINE: baseline(drawn, test)},
        "untrained": untrained,
        "trained": trained,
        "standard_error": error,
        "learned": share > untrained["sequence_accuracy"] + 2 * error,
        "first_batch": [_shown(tokenizer, test, decoded, row) for row in range(ROWS)],
    }


def _shown(
    tokenizer: Tokenizer, test: Seq2SeqBatch, decoded: Int32[np.ndarray, "example position"], row: int
) -> dict[str, str]:
    real = test.weights[row] == 1
    texts = {"source": test.source[row], "truth": test.labels[row][real], "prediction": decoded[row][real]}
    return {name: tokenizer.decode(tokens.tolist()) for name, tokens in texts.items()}


def print_report(report: dict[str, Any], title: str, console: Console) -> None:
    """The report as tables for a person."""
    about = f"{title}: {report['data']}, {report['test_examples']} test sequences"
    table = Table(title=about, title_justify="left")
    table.add_column("model")
    for heading in ("nats/token", "tokens right", "sequences right"):
        table.add_column(heading, justify="right")
    models = {"untrained": report["untrained"], **report["baselines"], "trained": report["trained"]}
    for name, row in models.items():
        shares = f"{row['accuracy']:.2%}", f"{row['sequence_accuracy']:.2%}"
        table.add_row(name, f"{row['loss']:.4f}", *shares)
    console.print(table)
    learned = "It learned something" if report["learned"] else "It did NOT learn"
    console.print(
        f"{learned}: {report['trained']['sequence_accuracy']:.1%} of the sequences that it never saw come "
        f"out right (one standard error: {100 * report['standard_error']:.1f} points).\n"
    )
    table = Table(title="First test sequences", title_justify="left")
    for heading in ("source", "truth", "prediction"):
        table.add_column(heading)
    for row in report["first_batch"]:
        wrong = "red" if row["prediction"] != row["truth"] else ""
        table.add_row(row["source"], row["truth"], Text(row["prediction"], wrong))
    console.print(table)
