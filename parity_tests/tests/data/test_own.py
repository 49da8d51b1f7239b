"""One's own data: formats, columns, splits, and what is found in it."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from data.errors import DataError
from data.readers.folders import split_of
from data.sets.own import Reading, digest, load_documents, load_labelled, place_of
from data.sets.splitting import cut, held_out, key_of

ROWS = [(f"a text, with the number {n}\nand a second line", "odd" if n % 2 else "even") for n in range(40)]


def write(
    path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("text", "label"), **options
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=options.pop("encoding", "utf-8"), newline="") as out:
        csv.writer(out, **options).writerows([header, *rows])
    return path


def write_jsonl(path: Path, rows: list[tuple[str, ...]]) -> Path:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return path


def write_folders(path: Path, rows: list[tuple[str, ...]]) -> Path:
    for number, (text, label) in enumerate(rows):
        (path / label).mkdir(parents=True, exist_ok=True)
        (path / label / f"{number}.txt").write_text(text)
    (path / ".hidden").mkdir()
    (path / ".hidden" / "no.txt").write_text("no text of any label")
    return path


FORMATS: dict[str, Callable[[Path], Path]] = {
    "csv": lambda place: write(place / "mine.csv", ROWS),
    "csv of Excel": lambda place: write(place / "mine.csv", ROWS, delimiter=";", encoding="utf-8-sig"),
    "tsv": lambda place: write(place / "mine.tsv", ROWS, delimiter="\t"),
    "jsonl": lambda place: write_jsonl(place / "mine.jsonl", ROWS),
    "folders": lambda place: write_folders(place / "mine", ROWS),
}


def all_rows(texts) -> list[tuple[str, str]]:
    splits = (texts.train, texts.validation, texts.test)
    return sorted((t, texts.classes[n]) for s in splits for t, n in zip(s.texts, s.labels, strict=True))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_rows_and_splits(name: str, tmp_path: Path) -> None:
    texts, found = load_labelled(FORMATS[name](tmp_path), Reading())
    expected, _ = load_labelled(write(tmp_path / "as csv" / "x.csv", ROWS), Reading())
    assert all_rows(texts) == sorted(ROWS) and found.findings == []
    for split in ("train", "validation", "test"):
        assert set(getattr(texts, split).texts) == set(getattr(expected, split).texts)
    assert found.counts == {
        name: {"train": 16, "validation": 2, "test": 2} for name in ("even", "odd")
    } and texts.classes == ("even", "odd")


def test_quotes_of_a_tsv_may_be_letters(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text("text\tlabel\n" + "".join(f'"so it goes {n}, he said\t{n % 2}\n' for n in range(40)))
    texts, _ = load_labelled(path, Reading())
    assert all(text.startswith('"so it goes') for text in texts.train.texts)


def test_another_encoding_is_read_where_it_is_named(tmp_path: Path) -> None:
    rows = [(f"café numéro {n}", str(n % 2)) for n in range(40)]
    for encoding in ("latin-1", "utf-16", "cp1252"):
        path = write(tmp_path / f"{encoding}.csv", rows, encoding=encoding)
        texts, found = load_labelled(path, Reading(encoding=encoding))
        assert all_rows(texts) == sorted(rows) and encoding in found.read


@pytest.mark.parametrize(
    ("header", "row", "columns"),
    [
        (
            ("id", "review", "stars"),
            lambda n: (f"r{n}", f"quite a film {n}", f"{n % 5}"),
            ("review", "stars"),
        ),
        (("", "Text", "Label"), lambda n: (f"{n}", f"quite a film {n}", f"{n % 2}"), ("Text", "Label")),
        (("what", "how"), lambda n: (f"quite a film {n}", "ab"[n % 2]), ("what", "how")),
        (("how", "what"), lambda n: ("ab"[n % 2], f"quite a film {n}"), ("what", "how")),
        (("a", "b", "c"), lambda n: (f"quite a film {n}", f"id{n}", "xy"[n % 2]), ("a", "c")),
    ],
)
def test_columns_are_found(header, row, columns, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.csv", [row(n) for n in range(60)], header)
    _, found = load_labelled(path, Reading())
    assert f"text in {columns[0]!r}, label in {columns[1]!r}" in found.read


def test_columns_that_are_given_are_taken(tmp_path: Path) -> None:
    rows = [(f"text {n}", f"title {n}", f"{n % 2}", f"{n % 3}") for n in range(60)]
    path = write(tmp_path / "mine.csv", rows, ("text", "title", "label", "topic"))
    texts, _ = load_labelled(path, Reading(text_column="title", label_column="topic"))
    assert texts.classes == ("0", "1", "2") and texts.train.texts[0].startswith("title")


def test_classes_that_are_numbers_stand_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(
        "".join(json.dumps({"text": f"text {n}", "label": (n % 12) * 1.0}) + "\n" for n in range(120))
    )
    assert load_labelled(path, Reading())[0].classes == tuple(map(str, range(12)))


# Splits


def test_a_split_is_the_same_for_good_and_holds_a_tenth_of_each_class() -> None:
    keys = [key_of(f"text {n}") for n in range(200)]
    labels = ["a" if n < 150 else "b" for n in range(200)]
    splits = held_out(keys, labels, ("test", "validation"))
    counts = {(label, split): 0 for label in "ab" for split in ("train", "validation", "test")}
    for pair in zip(labels, splits, strict=True):
        counts[pair] += 1
    assert list(counts.values()) == [120, 15, 15, 40, 5, 5]
    assert [n for n, split in enumerate(splits) if split == "test"][:5] == FIRST_TESTED
    order = list(range(199, -1, -1))  # wherever a text stands, it is in the same split
    assert (
        held_out([keys[n] for n in order], [labels[n] for n in order], ("test", "validation"))[::-1] == splits
    )


FIRST_TESTED = [14, 17, 23, 26, 38]


def test_equal_texts_are_equal_whatever_their_capitals_and_spaces() -> None:
    assert key_of(" A  text\nOF mine") == key_of("a text of mine") != key_of("a text of mine.")


def test_splits_are_taken_by_the_names_of_files(tmp_path: Path) -> None:
    for name, rows in (("train", ROWS[:20]), ("dev", ROWS[20:30]), ("test", ROWS[30:])):
        write(tmp_path / "mine" / f"{name}.csv", rows)
    texts, found = load_labelled(tmp_path / "mine", Reading())
    assert [list(split.texts) for split in (texts.train, texts.validation, texts.test)] == [
        [text for text, _ in rows] for rows in (ROWS[:20], ROWS[20:30], ROWS[30:])
    ]
    assert "splits by name (train, validation, test)" in found.read


def test_what_no_file_is_named_for_is_held_out_of_training(tmp_path: Path) -> None:
    write(tmp_path / "mine" / "train.csv", ROWS[:30])
    write(tmp_path / "mine" / "test.csv", ROWS[30:])
    texts, _ = load_labelled(tmp_path / "mine", Reading())
    assert list(texts.test.texts) == [text for text, _ in ROWS[30:]]
    assert (len(texts.train), len(texts.validation)) == (26, 4)


def test_splits_are_taken_from_folders(tmp_path: Path) -> None:
    write_folders(tmp_path / "mine" / "train", ROWS[:20])
    write_folders(tmp_path / "mine" / "test", ROWS[20:])
    texts, _ = load_labelled(tmp_path / "mine", Reading())
    assert sorted(texts.test.texts) == sorted(text for text, _ in ROWS[20:])


def test_splits_are_taken_from_a_column(tmp_path: Path) -> None:
    named = ["train", "train", "validation", "test"]
    rows = [(text, label, named[n // 2 % 4]) for n, (text, label) in enumerate(ROWS)]
    texts, _ = load_labelled(write(tmp_path / "mine.csv", rows, ("text", "label", "split")), Reading())
    assert set(texts.test.texts) == {text for text, _, split in rows if split == "test"}
    assert len(texts.train) == 20


def test_labels_named_like_splits_are_labels_where_none_is_of_training(tmp_path: Path) -> None:
    rows = [(text, "test" if label == "odd" else "dev") for text, label in ROWS]
    texts, _ = load_labelled(write_folders(tmp_path / "mine", rows), Reading())
    assert texts.classes == ("dev", "test")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("train-00000-of-00002", "train"),
        ("reviews_dev", "validation"),
        ("Test", "test"),
        ("latest", ""),
        ("train_test", ""),
        ("contest", ""),
    ],
)
def test_the_split_that_a_name_says(name: str, split: str) -> None:
    assert split_of(name) == split


# What is found


def findings(found) -> list[tuple[str, int, str, str]]:
    return [(one.what, one.rows, one.first, one.done) for one in found.findings]


def test_rows_of_no_use_are_counted_and_left_out(tmp_path: Path) -> None:
    odd = [("", "odd"), ("  ", "odd"), ("no label here", ""), ROWS[0], (ROWS[1][0].upper(), "even")]
    texts, found = load_labelled(write(tmp_path / "mine.csv", ROWS + odd), Reading())
    assert findings(found) == [
        ("no text", 2, "line 82", "left out"),
        ("no label", 1, "line 84", "left out"),
        ("same text, other label", 2, "line 4", "left out"),
        ("repeated", 1, "line 85", "kept once"),
    ]
    assert len(all_rows(texts)) == 39 and ROWS[1] not in all_rows(texts)


def test_no_text_is_in_two_splits(tmp_path: Path) -> None:
    write(tmp_path / "mine" / "train.csv", ROWS)
    write(tmp_path / "mine" / "valid.csv", [(ROWS[3][0].title(), "odd"), ("new", "even"), ROWS[5]])
    write(tmp_path / "mine" / "test.csv", [ROWS[4], ROWS[4], ROWS[5], ("newer", "odd")])
    texts, found = load_labelled(tmp_path / "mine", Reading())
    assert findings(found) == [
        ("in the validation split too", 1, "train.csv, line 8", "left out of train"),
        ("in the test split too", 2, "train.csv, line 10", "left out of train"),
        ("in the test split too", 1, "valid.csv, line 5", "left out of validation"),
    ]
    keys = [{key_of(text) for text in split.texts} for split in (texts.train, texts.validation, texts.test)]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    assert len(texts.test) == 4  # as the user has it


def test_unbalanced_and_rare_classes_are_said(tmp_path: Path) -> None:
    rows = [(f"text {n}", "rare" if n < 3 else "common") for n in range(100)]
    _, found = load_labelled(write(tmp_path / "mine.csv", rows), Reading())
    assert [one.what for one in found.findings] == [
        "unbalanced: 'common' has 77 texts, 'rare' 3",
        "too few to test: 1 classes, 'rare' first",
    ]


# Corpora


def test_a_file_of_lines_is_a_text_a_line_and_others_are_whole(tmp_path: Path) -> None:
    names, prose = tmp_path / "names.txt", tmp_path / "prose.txt"
    names.write_text("".join(f"name {n}\n" for n in range(100)))
    prose.write_text("".join(f"a line of prose, {n}\n\n" for n in range(100)))
    corpus, found = load_documents(names, Reading())
    assert (len(corpus.train), len(corpus.validation), len(corpus.test)) == (80, 10, 10)
    assert "name 5" in {*corpus.train, *corpus.validation, *corpus.test} and not found.findings
    corpus, found = load_documents(prose, Reading())
    assert corpus.train[0] + corpus.validation[0] + corpus.test[0] == prose.read_text()
    assert findings(found) == [("fewer than 20 documents", 1, "prose.txt", "cut at ends of lines")]
    assert len(load_documents(names, Reading(documents="files"))[0].train) == 1
    assert len(load_documents(prose, Reading(documents="lines"))[0].train) == 80


def test_a_folder_of_texts_is_a_document_a_file(tmp_path: Path) -> None:
    for n in range(30):
        (tmp_path / "mine" / f"{n % 3}").mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / f"{n % 3}" / f"{n}.txt").write_text(f"the document {n}\n")
    corpus, _ = load_documents(tmp_path / "mine", Reading())
    assert (len(corpus.train), len(corpus.validation), len(corpus.test)) == (24, 3, 3)


def test_texts_of_a_table_are_documents_too(tmp_path: Path) -> None:
    corpus, found = load_documents(write(tmp_path / "mine.csv", ROWS), Reading())
    assert sorted([*corpus.train, *corpus.validation, *corpus.test]) == sorted(text for text, _ in ROWS)
    assert "label" not in found.read


def test_a_text_is_cut_at_ends_of_lines() -> None:
    text = "".join(f"line {n:03}\n" for n in range(100))
    parts = cut(text, ("train", "validation", "test"))
    assert "".join(parts.values()) == text
    assert [part.count("\n") for part in parts.values()] == [90, 5, 5]
    assert cut("no end of a line", ("train", "test")) == {"train": "no end of a line"}


# Where it lies


def test_data_is_found_where_it_lies_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = write(tmp_path / "here" / "mine.csv", ROWS), write(tmp_path / "there" / "mine.csv", ROWS)
    assert place_of(str(here)) == here and place_of(str(here), there.parent) == there
    here.unlink()
    with pytest.raises(DataError, match="give its folder with --data-dir"):
        place_of(str(here))
    monkeypatch.setenv("TWINFORMER_DATA", str(there.parent))
    assert place_of(str(here)) == there


def test_a_digest_is_of_the_names_and_contents_that_are_read(tmp_path: Path) -> None:
    def named(path: Path) -> str:
        return digest(path, Reading(), labelled=True)

    folder = tmp_path / "mine"
    first = write(folder / "train.csv", ROWS[:20])
    write(folder / "test.csv", ROWS[20:])
    before = named(folder)
    (folder / "README.md").write_text("about")
    assert named(folder) == before == named(folder.rename(tmp_path / "other"))
    write(tmp_path / "other" / first.name, ROWS[:19])
    assert named(tmp_path / "other") != before
