"""Files and folders that cannot be used: each is refused in one line that names the place and the remedy."""

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.errors import DataError
from data.sets.own import Reading, load_documents, load_labelled, place_of

GOOD = "".join(f"text number {n} is fine,{'yes' if n % 2 else 'no'}\n" for n in range(40))
HEAD = "text,label\n"
FRENCH = "Le café était très agréable, déjà réservé pour l'été où l'on naît à côté de la forêt.\n" * 30


def csv(content: str, encoding: str = "utf-8") -> Callable[[Path], Path]:
    return file("mine.csv", content.encode(encoding))


def file(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def folder(*files: str, **contents: str) -> Callable[[Path], Path]:
    """Files by path, each with a text of its own, and those with a content."""

    def write(place: Path) -> Path:
        for name in files:
            (place / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
            (place / "mine" / name).write_text(f"the text of {name}")
        (place / "mine").mkdir(exist_ok=True)
        for name, content in contents.items():
            (place / "mine" / name.replace("_", ".")).write_text(content)
        return place / "mine"

    return write


def jsonl(*lines: str) -> Callable[[Path], Path]:
    return file("mine.jsonl", "\n".join(lines).encode())


def looping(place: Path) -> Path:
    folder("a/one.txt", "b/two.txt")(place)
    (place / "mine" / "a" / "again").symlink_to(place / "mine", target_is_directory=True)
    return place / "mine"


def itself(place: Path) -> Path:
    (place / "mine.csv").symlink_to(place / "mine.csv")
    return place / "mine.csv"


def numbers(place: Path) -> Path:
    drawn = np.random.default_rng(0).permutation(5000) / 5000
    return csv("text,score\n" + "".join(f"text {n},{one:.4f}\n" for n, one in enumerate(drawn)))(place)


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "UTF-16": (
        csv(HEAD + GOOD, "utf-16"),
        r"mine.csv is encoded in UTF-16: give --encoding utf-16, or .*iconv",
    ),
    "UTF-16 without a mark": (
        csv(HEAD + GOOD, "utf-16-le"),
        "seems to be encoded in UTF-16-LE: give --encoding",
    ),
    "latin-1": (csv(HEAD + GOOD + FRENCH, "latin-1"), "line 42: byte 0xe9 is not UTF-8; it looks like cp125"),
    "no such encoding": (csv(HEAD + GOOD), "'klingon' is no encoding of text that Python knows"),
    "no header": (csv(GOOD), r"no header: its first line is 'text number 0 is fine \| no'"),
    "a number for a header": (csv("3,title of news,what it says\n" * 30), "seems to have no header"),
    "one class": (csv(HEAD + GOOD.replace("no", "yes")), "every row has the label 'yes' in 'label'"),
    "no labels": (csv("text\n" + "one text\n" * 30), "has no labels: beside 'text' there is no column"),
    "labels missing": (
        csv(HEAD + "a text,\n" * 30),
        "no row has both a text in 'text' and a label in 'label'",
    ),
    "one row": (csv(HEAD + "a text,yes\n"), "1 usable row, too few for a validation split"),
    "nothing but a header": (csv(HEAD), "no rows under its header"),
    "no such text column": (
        csv(HEAD + GOOD),
        r"no column 'review' \(--text-column\); it has 'text', 'label'",
    ),
    "no such label column": (csv(HEAD + GOOD), r"no column 'stars' \(--label-column\)"),
    "a class in the test split alone": (
        folder(train_csv=HEAD + GOOD, test_csv=HEAD + "new text,maybe\nanother,yes\n"),
        r"class 'maybe' is in the test split alone \(1 rows\)",
    ),
    "empty": (csv(""), "mine.csv is empty: it has no bytes"),
    "binary": (file("mine.csv", bytes(range(256)) * 40), "is a binary file, no text"),
    "a spreadsheet": (file("mine.csv", b"PK\x03\x04" + bytes(99)), "zip archive or a spreadsheet"),
    "compressed": (file("mine.csv", b"\x1f\x8b" + bytes(99)), "compressed by gzip: unpack it"),
    "ragged": (csv(HEAD + GOOD + "one, two, yes\n"), "line 42: 3 fields where the header has 2"),
    "a quote without end": (csv(HEAD + GOOD + '"never ends,yes\n'), "line 42: .*a double quote does not end"),
    "a NUL": (csv(HEAD + GOOD + "nu\0l,yes\n"), "line 42: it holds a NUL byte"),
    "a broken line": (jsonl('{"text": "a", "label": 1}', '{"text": "b", "lab'), "line 2: no JSON object"),
    "a list a line": (jsonl('["a", 1]'), "line 1: a list where an object"),
    "one JSON list": (jsonl('[{"text": "a"},', "]"), r"line 1: no JSON .*jq -c"),
    "a key twice": (jsonl('{"text": "a", "text": "b"}'), "line 1: .*'text' stands in it twice"),
    "too deep": (jsonl("[" * 100_000), "line 1: nested too deeply"),
    "several labels": (
        jsonl('{"text": "a", "label": ["x", "y"]}'),
        r"line 1: 'label' holds \['x', 'y'\]; a text has",
    ),
    "a text that is none": (
        jsonl('{"text": {"a": 1}, "label": 1}', '{"text": "a"}'),
        "line 1: 'text' holds dict",
    ),
    "two columns of one name": (csv("text,label,text\na,b,c\n"), "two columns are named 'text'"),
    "a folder without texts": (folder(), "mine holds no texts: no .txt in it"),
    "texts without labels": (folder("one.txt", "two.txt"), "holds texts without labels"),
    "some files of a split": (
        folder(train_csv=HEAD + GOOD, more_csv=HEAD),
        "more.csv is named after no split",
    ),
    "another column in a file": (
        folder(train_csv=HEAD + GOOD, test_csv="text,class\na,b\n"),
        "test.csv has no column 'label'",
    ),
    "a regression target": (numbers, "'score' holds 5,000 different numbers .* which measure something"),
    "an identity": (
        csv("text,id\n" + "".join(f"text {n},id{n}\n" for n in range(50))),
        "'id' holds 50 different labels .* in 50 rows",
    ),
    "two columns of labels": (
        csv("text,a,b\n" + "".join(f"text {n} here,{n % 2},{n % 3}\n" for n in range(40))),
        r"which column has the labels\? Give --label-column, one of 'a' \(2 values\), 'b' \(3 values\)",
    ),
    "a link that leads back": (looping, "again is a link that leads back to where it lies"),
    "a link to itself": (itself, "could not read .*mine.csv: Too many levels of symbolic links"),
    "plain text": (
        file("mine.txt", b"text\n" * 40),
        "no labels in it; a classifier reads CSV, TSV, JSONL or",
    ),
}
READINGS = {
    "no such encoding": Reading(encoding="klingon"),
    "no such text column": Reading(text_column="review"),
    "no such label column": Reading(label_column="stars"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    make, message = BROKEN[name]
    with pytest.raises(DataError, match=message) as refused:
        load_labelled(make(tmp_path), READINGS.get(name, Reading()))
    said = str(refused.value)
    assert "\n" not in said and (str(tmp_path) in said or name == "no such encoding")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".txt"])
def test_a_line_of_two_gigabytes_is_refused_before_it_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"mine{suffix}"
    with path.open("wb") as out:
        out.write(b"text,label\n" if suffix == ".csv" else b"")
        for _ in range(40):  # of two gigabytes the first forty megabytes: no more may be asked for
            out.write(b"a" * (1 << 20))
        out.truncate(2 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"line [12]: longer than 16,777,216 characters"):
            (load_documents if suffix == ".txt" else load_labelled)(path, Reading())
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_a_row_of_text_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """The other side of all of the above: the same rows, whole."""
    texts, found = load_labelled(csv(HEAD + GOOD)(tmp_path), Reading())
    assert texts.classes == ("no", "yes") and not found.findings
    assert (len(texts.train), len(texts.validation), len(texts.test)) == (32, 4, 4)


def test_an_address_is_no_path() -> None:
    with pytest.raises(DataError, match="is an address: download it"):
        place_of("https://example.org/mine.csv")


def test_a_path_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine.csv is no file or folder: check the path.*--data-dir"):
        place_of(str(tmp_path / "mine.csv"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mine.csv")
    with pytest.raises(DataError, match="is no plain file"):
        load_labelled(tmp_path / "mine.csv", Reading())


def test_half_a_character_is_replaced_and_counted(tmp_path: Path) -> None:
    rows = [json.dumps({"text": f"text {n} \ud83d", "label": n % 2}) for n in range(40)]
    texts, found = load_labelled(jsonl(*rows)(tmp_path), Reading())
    assert [(one.what, one.rows, one.first) for one in found.findings] == [
        ("lost characters (U+FFFD)", 40, "line 1")
    ]
    assert all("\ufffd" in text for text in texts.train.texts)
