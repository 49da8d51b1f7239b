"""A language model's report as tables."""

from textwrap import shorten
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


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
