"""Writes the tables and the picture of docs/speed.md from the records: `python -m benchmarks.page`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.picture import draw
from benchmarks.record import read_all
from benchmarks.tables import markdown

DOCS = Path("docs")
BEGIN, END = "<!-- from the records -->\n", "<!-- end -->"


def with_tables(page: str, records: Sequence[Mapping[str, Any]]) -> str:
    """The page with the records' tables where its marks are."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{markdown(records)}\n{END}{after}"


def main() -> None:
    """Of the project that is the current folder."""
    records, page = read_all(), DOCS / "speed.md"
    page.write_text(with_tables(page.read_text("utf-8"), records), "utf-8")
    draw(records, DOCS / "speed.png")


if __name__ == "__main__":
    main()
