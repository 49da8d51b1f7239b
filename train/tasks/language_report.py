"""What a language model predicts on the first test batch, and its report as tables."""

from collections.abc import Callable
from textwrap import shorten
from typing import Any

import numpy as np
from jaxtyping import Int
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tokenizers import Tokenizer

Outputs = Callable[..., np.ndarray]
ROWS = 8  # of the first test batch
WRITTEN = 24  # tokens that GPT writes on


def filled_masks(
    outputs: Outputs, tokenizer: Tokenizer, batch: dict[str, np.ndarray], inputs: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """The first counted mask of each row: its surroundings, the word that was there, the likeliest word."""
    logits = outputs(*inputs.values())[:ROWS].astype(np.float64)
    shown = []
    for row, scores in enumerate(logits):
        place = int(batch["weights"][row].argmax())
        position, truth = int(batch["masked_positions"][row, place]), int(batch["labels"][row, place])
        chances = np.exp(scores[place] - scores[place].max())
        best, ids = int(chances.argmax()), batch["ids"][row]
        before, after = ids[max(0, position - 8) : position], ids[position + 1 : position + 7]
        shown.append(
            {
                "text": f"{tokenizer.decode(before.tolist())} [MASK] {tokenizer.decode(after.tolist())}",
                "truth": tokenizer.id_to_token(truth),
                "prediction": tokenizer.id_to_token(best),
                "probability": float(chances[best] / chances.sum()),
            }
        )
    return shown


def continuations(
    outputs: Outputs, tokenizer: Tokenizer, ids: Int[np.ndarray, "batch position"]
) -> list[dict[str, Any]]:
    """What follows the first half of each row: in truth, and by always taking the likeliest next token."""
    rows, start = ids[:ROWS].copy(), ids.shape[1] // 2
    end = min(start + WRITTEN, ids.shape[1])
    for position in range(start, end):
        # Later tokens are still the true ones, but a causal model does not see them.
        rows[:, position] = outputs(rows)[:, position - 1].argmax(axis=-1)
    return [
        {
            "text": tokenizer.decode(truth[max(0, start - 24) : start].tolist()),
            "truth": tokenizer.decode(truth[start:end].tolist()),
            "prediction": tokenizer.decode(written[start:end].tolist()),
        }
        for truth, written in zip(ids[:ROWS], rows, strict=True)
    ]


def print_report(report: dict[str, Any], title: str, console: Console) -> None:
    """The report as tables for a person."""
    about = f"{title}: {report['data']}, {report['test_tokens']:,} test tokens"
    table = Table(title=about, title_justify="left")
    table.add_column("model")
    for heading in ("nats/token", "perplexity", "bits/byte", "accuracy"):
        table.add_column(heading, justify="right")
    models = {"untrained": report["untrained"], **report["baselines"], "trained": report["trained"]}
    for name, row in models.items():
        accuracy = f"{row['accuracy']:.2%}" if "accuracy" in row else ""
        figures = f"{row['loss']:.4f}", f"{row['perplexity']:.1f}", f"{row['bits_per_byte']:.4f}"
        table.add_row(name, *figures, accuracy)
    console.print(table)
    learned = "It learned something" if report["learned"] else "It did NOT learn"
    saved = report["baselines"]["unigram"]["loss"] - report["trained"]["loss"]
    console.print(f"{learned}: {saved:+.3f} nats a token saved against the unigram.\n")
    columns = ("text", "truth", "prediction", "probability")
    headings = [name for name in columns if name in report["first_batch"][0]]
    table = Table(title="First test batch", title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right" if heading == "probability" else "left")
    for row in report["first_batch"]:
        cells = [row[name] for name in headings]
        cells = [f"{c:.2f}" if isinstance(c, float) else shorten(c, 120, placeholder=" …") for c in cells]
        table.add_row(*map(Text, cells))
    console.print(table)
