"""What is measured of one's own texts: the tables, a run on one of them, and the page by the record."""

import csv
import io
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import own_tables
from benchmarks.own_texts import BEGIN, PAGE, RESULT, reached, table
from benchmarks.page import between
from train.recipes import recipe_of

DATA = os.environ.get("TWINFORMER_DATA")
needs_reviews = pytest.mark.skipif(
    not DATA or not Path(DATA, "rt_polarity").is_dir(),
    reason="needs film reviews: set TWINFORMER_DATA to the folder that holds rt_polarity",
)
PACKAGES = "docstrings by package, of other modules than those trained on"


def rows_of(name: str, path: Path) -> list[list[str]]:
    own_tables.write(name, path)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@needs_reviews
def test_small_tables_share_no_row_and_are_tested_on_many(tmp_path: Path) -> None:
    seen: set[str] = set()
    for name in ("film reviews, few", "film reviews, other few"):
        head, *rows = rows_of(name, tmp_path / "mine.csv")
        assert head == ["text", "label", "split"]
        assert Counter(split for *_, split in rows) == {"train": 1200, "validation": 150, "test": 2000}
        texts = {text for text, *_ in rows}
        assert len(texts) > 3300 and not texts & seen
        seen |= texts


def test_docstrings_are_labelled_by_their_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_tables, "LIBRARIES", ("optax", "rich"))
    monkeypatch.setattr(own_tables, "MOST", 50)
    head, *rows = rows_of("docstrings by library", tmp_path / "mine.csv")
    assert head == ["text", "label"] and Counter(label for _, label in rows) == {"optax": 50, "rich": 50}
    assert [label for _, label in rows] != sorted(label for _, label in rows)
    assert any("gradient" in text for text, label in rows if label == "optax")
    assert any("console" in text.lower() for text, label in rows if label == "rich")


def test_a_table_is_trained_on_as_its_splits_say() -> None:
    model = replace(recipe_of("classifier", "own").config.model, embed=8, heads=2, mlp=8, vocab=500)
    row = reached(PACKAGES, Console(file=io.StringIO()), model=model, steps=2)
    assert row["classes"] == 7 and row["steps"] == 2 and row["tested"] > 300
    assert 0.6 < row["tf_idf"]["accuracy"] < 0.8 and 0.0 < row["trained"]["accuracy"] < 1.0
    assert f"| {PACKAGES} | 7 | 2 | {100 * row['tf_idf']['accuracy']:.1f} (at " in table({PACKAGES: row})


@pytest.mark.skipif(not RESULT.is_file(), reason="not measured yet: python -m benchmarks.own_texts")
def test_the_page_has_the_record_s_table() -> None:
    rows, page = json.loads(RESULT.read_text("utf-8"))["rows"], PAGE.read_text("utf-8")
    assert page == between(page, BEGIN, table(rows))
    assert rows.keys() == own_tables.TABLES.keys()
