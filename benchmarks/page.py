"""Writes the tables and the picture of docs/speed.md from the records: `python -m benchmarks.page`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.picture import draw
from benchmarks.record import read_all
from benchmarks.tables import markdown

DOCS = Path("docs")
PICTURE = "![Times relative to the fastest peer](speed.png)"
BEGIN, END = "<!-- from the records -->\n", "<!-- end -->"


def with_tables(page: str, records: Sequence[Mapping[str, Any]]) -> str:
    """The page with the picture and the records' tables where its marks are."""
    return between(page, BEGIN, f"{PICTURE}\n\n{markdown(records)}" if records else "No record yet.")


def between(page: str, begin: str, text: str) -> str:
    """The page with this text from the mark ``begin`` to the next end."""
    before, rest = page.split(begin)
    _, _, after = rest.partition(END)
    return f"{before}{begin}{text}\n{END}{after}"


def main() -> None:
    """Of the project that is the current folder."""
    records, page = read_all(), DOCS / "speed.md"
    page.write_text(with_tables(page.read_text("utf-8"), records), "utf-8")
    if records:
        draw(records, DOCS / "speed.png")


if __name__ == "__main__":
    main()
