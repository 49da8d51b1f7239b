"""What the models reach: the reports of `make quality` as a record, and as a table of docs/results.md.

`python -m benchmarks.quality runs/quality` reads each folder's reports, one or one a seed. What the record
has of folders that are not there stays.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.page import between
from study.record import few, record, rounded
from train.runs.durable import write_json

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks" / "results" / "quality.json", ROOT / "docs" / "results.md"
BEGIN = "<!-- from quality.json -->\n"
SHOWN = {  # in the table
    "polarity": "classifier on film reviews, from scratch",
    "topics": "classifier on topics of news, from scratch",
    "fine_tuned": "BERT on topics of news, pretrained on them (`bert` below)",
    "minilm": "MiniLM on film reviews, imported and fine-tuned",
}
NAMES = (*SHOWN, "gpt", "bert")
HEAD = ("model", "test, %", "seeds", "validation, %", "tf-idf, %", "s a run")

Row = dict[str, Any]


def reports_in(folder: Path) -> list[Path]:
    """Of the run that the folder is, or of those in it, a seed each; none of a run that has not ended."""
    found = sorted(folder.glob("report.json")) or sorted(folder.glob("*/report.json"))
    return [path for path in found if path.with_name("config.json").is_file()]


def read(reports: Sequence[Path]) -> Row:
    """One model's figures, a list of all seeds each."""
    runs = [json.loads(path.read_text("utf-8"))["jax"] for path in reports]
    settings = [json.loads(path.with_name("config.json").read_text("utf-8")) for path in reports]
    return {
        "seeds": [config["seed"] for config in settings],
        "data": runs[0]["data"],
        "parameters": runs[0]["parameters"],
        "seconds": [round(run["seconds"]) for run in runs],
        "trained": [rounded(run["trained"]) for run in runs],
        "validation": [rounded(run["validation"]) for run in runs],
        "baselines": {name: few(runs[0][name]["accuracy"]) for name in ("tf_idf",) if name in runs[0]},
    }


def accuracy(row: Mapping[str, Any], split: str) -> str:
    """In per cent; of several seeds the mean, and its standard error."""
    values = [100 * run["accuracy"] for run in row[split]]
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{mean(values):.1f} ± {stdev(values) / len(values) ** 0.5:.1f}"


def table(rows: Mapping[str, Row]) -> str:
    """Markdown, a line for each model that tells classes apart."""
    lines = [HEAD, ("---", *["---:"] * (len(HEAD) - 1))]
    for name in filter(rows.__contains__, SHOWN):
        row = rows[name]
        bar = row["baselines"].get("tf_idf")
        lines.append(
            (
                SHOWN[name],
                f"**{accuracy(row, 'trained')}**",
                ", ".join(map(str, row["seeds"])),
                accuracy(row, "validation"),
                "" if bar is None else f"{100 * bar:.1f}",
                str(max(row["seconds"])),
            )
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Read, write the record and the page's table."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("give the folder of the runs: python -m benchmarks.quality runs/quality")
    rows = json.loads(RESULT.read_text("utf-8"))["rows"] if RESULT.is_file() else {}
    found = {name: reports_in(Path(sys.argv[1], name)) for name in NAMES}
    rows |= {name: read(reports) for name, reports in found.items() if reports}
    write_json(RESULT, record(command="make quality", rows=rows))
    page = PAGE.read_text("utf-8")
    PAGE.write_text(between(page, BEGIN, table(rows)), "utf-8")


if __name__ == "__main__":
    main()
