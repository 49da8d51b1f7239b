"""What reading texts costs: texts that differ, every case measured small, and the page by the record."""

import csv
import json
import os
from pathlib import Path

import pytest

from benchmarks.corpus import BEGIN, KINDS, MEGABYTES, PAGE, RESULT, ROWS, WORK, measured, table
from benchmarks.corpus_texts import write_lines, write_rows
from benchmarks.page import between
from data.sets.own import Reading, load_documents, load_labelled
from study.record import rounded

DATA = os.environ.get("TWINFORMER_DATA")
FILES = ("ag_news/train_sample_10000.csv", "shakespeare/complete.txt")
needs_texts = pytest.mark.skipif(
    not DATA or not all(Path(DATA, name).is_file() for name in FILES),
    reason=f"needs texts: set TWINFORMER_DATA to the folder that holds {' and '.join(FILES)}",
)


@needs_texts
def test_no_two_texts_are_alike(tmp_path: Path) -> None:
    rows, lines = tmp_path / "rows.csv", tmp_path / "lines.txt"
    write_rows(rows, 10_500)  # more than the sample has
    with rows.open(encoding="utf-8", newline="") as file:
        assert len({text for text, _ in csv.reader(file)}) == 10_501
    assert not load_labelled(rows, Reading())[1].findings
    write_lines(lines, 6_000_000)  # more than the works have
    assert 6_000_000 <= lines.stat().st_size < 6_000_200
    corpus, found = load_documents(lines, Reading())
    assert [one.what for one in found.findings] == ["fewer than 20 documents"]  # whole, as blank lines say
    assert {line[-2:] for line in corpus.train[0].split("\n") if line} == {" 0", " 1"}


@needs_texts
def test_every_case_is_measured() -> None:
    found = measured(200, (1,))
    labelled, (lines, whole) = found["labelled"], found["corpora"]
    assert labelled["rows"] == 200 < labelled["tokens"] and labelled["bytes"] > 20_000
    assert [row["documents"] for row in (lines, whole)] == list(KINDS)
    for row in (lines, whole):
        assert 10**6 <= row["bytes"] < row["bytes"] + row["tokens"] and 2**20 < row["memory_bytes"] < 2**30
    assert lines["tokens"] < whole["tokens"]  # which has the blank lines too
    assert all(facts["seconds"] > 0 for facts in (lines["whole"], *(labelled[name] for name in WORK)))
    assert "| 200 rows, 0 MB | tokenized | " in table(
        found
    ) and "| one document, 1 MB | all of it | " in table(found)


def test_numbers_are_rounded_at_any_depth() -> None:
    assert rounded({"a": 1.234567, "b": {"c": 2.345678, "d": 3}, "e": "x"}) == {
        "a": 1.2346,
        "b": {"c": 2.3457, "d": 3},
        "e": "x",
    }


@pytest.mark.skipif(not RESULT.is_file(), reason="not measured yet: python -m benchmarks.corpus")
def test_the_page_has_the_record_s_table_and_what_it_promises() -> None:
    record, page = json.loads(RESULT.read_text("utf-8")), PAGE.read_text("utf-8")
    assert page == between(page, BEGIN, table(record))
    assert record["labelled"]["rows"] == ROWS and record["labelled"]["tokenized"]["seconds"] < 30
    sizes = [(row["documents"], round(row["bytes"] / 1e6)) for row in record["corpora"]]
    assert sizes == [(kind, size) for size in MEGABYTES for kind in KINDS]
    for kind in KINDS:
        small, large = (row["memory_bytes"] for row in record["corpora"] if row["documents"] == kind)
        assert large < 1.5 * small  # of three times the text
