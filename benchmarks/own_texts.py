"""What a classifier of one's own texts reaches by default: `python -m benchmarks.own_texts`.

It trains in JAX, a table after the other, for ten minutes, writes the record and puts the table into
docs/results.md. Reviews and news come from the data folder, TWINFORMER_DATA.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from benchmarks import own_tables
from benchmarks.page import between
from study.record import record, rounded
from train.recipes import recipe_of
from train.runs.durable import write_json
from train.start import train

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks" / "results" / "own_texts.json", ROOT / "docs" / "results.md"
BEGIN = "<!-- from own_texts.json -->\n"
SHOWN = ("tf_idf", "trained")

Row = dict[str, Any]


def main() -> None:
    """Train on each table, write the record and the page's table."""
    console = Console()
    rows: dict[str, Row] = {}
    for name in own_tables.TABLES:
        console.rule(name)
        rows[name] = reached(name, console)
        write_json(RESULT, record(command="python -m benchmarks.own_texts", rows=rows))
    PAGE.write_text(between(PAGE.read_text("utf-8"), BEGIN, table(rows)), "utf-8")


def reached(name: str, console: Console, **changes: Any) -> Row:
    """What the settings for one's own data, but for changes, bring on one of the tables."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "mine.csv")
        own_tables.write(name, path)
        config = replace(recipe_of("classifier", "own").config, data=str(path), **changes)
        report = train(config, ["jax"], Path(folder, "run"), None, True, console)["jax"]
    return {
        "classes": len(report["classes"]),
        "tested": report["test_examples"],
        "steps": report["steps"],
        "seconds": round(report["seconds"]),
        **{split: rounded(report[split]) for split in ("validation", *SHOWN)},
    }


def table(rows: dict[str, Row]) -> str:
    """The record as Markdown: right in per cent, and cross-entropy in nats."""
    lines = ["| texts | classes | steps | tf-idf + regression | classifier |", "|---|---|---|---|---|"]
    for name, row in rows.items():
        error = 100 * (row["trained"]["accuracy"] * (1 - row["trained"]["accuracy"]) / row["tested"]) ** 0.5
        bar, ours = (f"{100 * row[one]['accuracy']:.1f}" for one in SHOWN)
        bar_loss, loss = (f"(at {row[one]['loss']:.2f})" for one in SHOWN)
        lines.append(
            f"| {name} | {row['classes']} | {row['steps']} | {bar} {bar_loss} | {ours} ± {error:.1f} {loss} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
