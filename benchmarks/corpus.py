"""What reading texts costs: `python -m benchmarks.corpus`.

It measures for some minutes, each corpus in a process of its own, writes the record and puts the table into
docs/data.md. Texts come from the data folder, TWINFORMER_DATA, and are multiplied in a temporary one.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import track

from benchmarks import load
from benchmarks.corpus_texts import write_lines, write_rows
from benchmarks.page import between
from benchmarks.processes import Process
from study.record import record, rounded
from train.runs.durable import write_json

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks" / "results" / "corpus.json", ROOT / "docs" / "data.md"
BEGIN = "<!-- from corpus.json -->\n"
ROWS, MEGABYTES = 120_000, (40, 120)
WORK = {"read": "read and split", "trained": "a tokenizer trained", "tokenized": "tokenized"}
KINDS = {"lines": "a document a line", "files": "one document"}

Row = dict[str, Any]


def main() -> None:
    """Measure, write the record and the page's table."""
    if load.peak_memory() is None:
        sys.exit("benchmarks.corpus: memory is read in /proc, which is not there; run it on Linux")
    found = record(command="python -m benchmarks.corpus", **measured(ROWS, MEGABYTES))
    write_json(RESULT, found)
    PAGE.write_text(between(PAGE.read_text("utf-8"), BEGIN, table(found)), "utf-8")


def measured(rows: int, megabytes: tuple[int, ...]) -> dict[str, Row | list[Row]]:
    """A table of so many rows, and files of so many megabytes, read as lines and as one document."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "mine.csv")
        write_rows(path, rows)
        labelled = {"rows": rows, "bytes": path.stat().st_size, **asked(folder, "rows", path=str(path))}
        corpora: list[Row] = []
        for size in track(megabytes, "corpora"):
            path = Path(folder, f"{size}.txt")
            write_lines(path, size * 10**6)
            for kind in KINDS:
                facts = asked(folder, "corpus", path=str(path), documents=kind)
                corpora.append({"documents": kind, "bytes": path.stat().st_size, **facts})
    return {"labelled": labelled, "corpora": corpora}


def asked(folder: str, question: str, **words: Any) -> Row:
    """What a process of its own, which keeps what it makes in this folder, answers to a question."""
    with Process("benchmarks.corpus_reader", {"cache": str(Path(folder, "cache"))}) as process:
        process.hear()  # ready
        return rounded(process.ask(question, **words))


def table(found: Row) -> str:
    """The record as Markdown."""
    lines = ["| texts | | seconds | of the processor | memory |", "|---|---|---|---|---|"]
    labelled = found["labelled"]
    for name, work in WORK.items():
        shown = f"{labelled['rows']:,} rows, {labelled['bytes'] / 1e6:.0f} MB"
        lines.append(f"| {shown} | {work} | {seconds(labelled[name])} | |")
    for row in found["corpora"]:
        shown = f"{KINDS[row['documents']]}, {row['bytes'] / 1e6:.0f} MB"
        memory = f"{row['memory_bytes'] / 2**20:.0f} MiB"
        lines.append(f"| {shown} | all of it | {seconds(row['whole'])} | {memory} |")
    return "\n".join(lines)


def seconds(facts: Row) -> str:
    return f"{facts['seconds']:.1f} | {facts['cpu_seconds']:.1f}"


if __name__ == "__main__":
    main()
