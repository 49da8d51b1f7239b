"""One's own data: a file or a folder, of which columns, classes and splits are found or given.

What this settles:

- A split that a file, a folder or a column is named after is taken as it is. What is missing is held out of
  training by a hash of the text, a tenth of each class, so it is the same for every seed and machine.
- Equal texts (capitals and spaces aside) are in one split: of training they are left out where they are held
  out by name, kept once otherwise, and left out altogether where their labels differ.
- A corpus is documents: rows of a table, lines of a file that has no blank ones, or whole files. Few whole
  files are cut, each at ends of lines, 90 / 5 / 5 % of its characters.
"""

import codecs
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

import numpy as np

from data.errors import DataError
from data.readers.columns import Columns, choose
from data.readers.hugging_face import NAMED, is_named
from data.readers.tables import Parts, tables_of
from data.sets.corpus import Corpus
from data.sets.found import Found
from data.sets.labelled import LabelledText, Split
from data.sets.rows import NAMES, Row, apart, classes_of, refuse_no_classes, splits_of, usable
from data.sets.splitting import cut

HUB_NAME = re.compile(r"[\w-]+(/[\w-]+)?")  # what a name on the hub may well be, and a path hardly
FEW = 20  # documents: fewer are cut instead of held out
Documents = Literal["lines", "files"]


@dataclass(frozen=True)
class Reading:
    """How one's own data is read; what is None is found."""

    text_column: str | None = None
    label_column: str | None = None
    encoding: str = "utf-8"
    """As Python names it."""
    documents: Documents | None = None
    """What of a text file is one document."""


def place_of(name: str, data_dir: Path | None = None) -> Path:
    """Where data lies: in ``data_dir`` under its last name, if that is given; else where it is named, or in
    TWINFORMER_DATA. What `datasets` loads by name lies nowhere, and keeps its name.

    Raises:
        DataError: it is nowhere, or is an address.
    """
    if "://" in name:
        raise DataError(f"{name} is an address: download it, and give the path of the file.")
    if is_named(name):
        if data_dir is not None:
            raise DataError(f"{name} is loaded by its name, from no folder: leave --data-dir out.")
        if name == NAMED:
            raise DataError(f"{name} names no data set; give hf:NAME.")
        return Path(name)
    path, elsewhere = Path(name), os.environ.get("TWINFORMER_DATA")
    folders = [data_dir] if data_dir is not None else [Path(elsewhere)] if elsewhere else []
    places = [folder / path.name for folder in folders]
    for place in places if data_dir is not None else [path, *places]:
        if os.path.lexists(place):
            return place.absolute() if is_named(place) else place  # ./hf:x is a file, whose path says hf:x
    looked = f" in {data_dir}" if data_dir is not None else ""
    online = f"; one of Hugging Face's is hf:{name}" if data_dir is None and HUB_NAME.fullmatch(name) else ""
    raise DataError(
        f"{name} is no file or folder{looked}: check the path; where it lies elsewhere now, give its folder "
        f"with --data-dir{online}."
    )


def load_labelled(path: Path, reading: Reading) -> tuple[LabelledText, Found]:
    """Return the labelled texts at ``path``, in three splits, with what was `Found`.

    Raises:
        DataError: in one line: the file or the folder, the line or the column, what is wrong and the remedy.
    """
    parts, columns, found = opened(path, reading, labelled=True)
    rows = apart(list(usable(parts, columns, found)), found)
    refuse_no_classes(rows, columns, path)
    splits = splits_of(rows, path)
    classes = classes_of(splits, columns, path)
    numbers = {name: number for number, name in enumerate(classes)}
    labels = {split: [numbers[row.label] for row in splits[split]] for split in NAMES}
    found.count(classes, labels)
    made = (
        Split(tuple(str(row.text) for row in splits[split]), np.array(labels[split], np.int32))
        for split in NAMES
    )
    return LabelledText(path.name, classes, *made), found


def load_documents(path: Path, reading: Reading) -> tuple[Corpus, Found]:
    """Return the documents at ``path``, in three splits, with what was `Found`; labels are not read.

    Raises:
        DataError: as `load_labelled`.
    """
    parts, columns, found = opened(path, reading, labelled=False)
    rows = apart(list(usable(parts, columns, found)), found)
    if sum(row.split == "train" for row in rows) < FEW:
        rows = cut_up(rows, found)
    splits = splits_of(rows, path)
    found.counts["texts"] = {split: len(splits[split]) for split in NAMES}
    return Corpus(path.name, *(tuple(str(row.text) for row in splits[split]) for split in NAMES)), found


def cut_up(rows: list[Row], found: Found) -> list[Row]:
    """The rows with those of training cut, for the splits that no row is named for."""
    named = {row.split for row in rows}
    parts = ["train", *(name for name in NAMES if name not in named | {"train"})]
    pieces = []
    for row in rows:
        if row.split == "train" and len(parts) > 1:
            found.note(f"fewer than {FEW} documents", "cut at ends of lines", row.place)
            pieces += [row._replace(text=text, split=split) for split, text in cut(row.text, parts).items()]
        else:
            pieces.append(row)
    return pieces


def bytes_of(path: Path, reading: Reading) -> int:
    """Bytes of the files whose documents would be read. Raises DataError as `load_documents`."""
    tables = (table for tables in _tables(path, reading, False).values() for table in tables)
    return sum(file.stat().st_size for table in tables for file in table.files)


def digest(path: Path, reading: Reading, labelled: bool) -> str:
    """Return one name for the files that would be read, by their names within ``path`` and their contents; of
    a data set by name, for its rows.

    Raises:
        DataError: there are none.
    """
    return _digest(path, _tables(path, reading, labelled))


def opened(path: Path, reading: Reading, labelled: bool) -> tuple[Parts, Columns, Found]:
    """The tables of each split, which of their columns to read, and the beginning of what was found."""
    parts = _tables(path, reading, labelled)
    first, *others = (table for tables in parts.values() for table in tables)
    columns = choose(first, reading.text_column, reading.label_column, labelled)
    for table in others:
        for name in columns:
            if name and name not in table.columns:
                raise DataError(f"{table.path} has no column {name!r}, as {first.path} has; rename it.")
    named = ", ".join(name for name in NAMES if name in parts)
    splits = f"by name ({named})" if named else "by column" if columns.split else "by a hash of the text"
    read = f"{columns}; {reading.encoding}; splits {splits}"
    return parts, columns, Found(str(path), _digest(path, parts), read)


def _tables(path: Path, reading: Reading, labelled: bool) -> Parts:
    one_a_line = None if reading.documents is None else reading.documents == "lines"
    try:
        "".encode(encoding := codecs.lookup(reading.encoding).name)
    except LookupError as error:
        raise DataError(
            f"{reading.encoding!r} is no encoding of text that Python knows; give another."
        ) from error
    parts = tables_of(path, encoding, labelled, one_a_line)
    return {split: parts[split] for split in ("", *NAMES) if split in parts}  # training says the columns


def _digest(path: Path, parts: Parts) -> str:
    total = sha256()
    for table in (table for tables in parts.values() for table in tables):
        if table.digest is not None:
            total.update(table.digest().encode())
            continue
        for file in table.files:
            name = file.relative_to(path).as_posix() if file != path and file.is_relative_to(path) else ""
            total.update(f"{name} {_content(file, _state(file))} ".encode())
    return total.hexdigest()


def _state(file: Path) -> tuple[int, ...]:
    """What differs when a file was written since."""
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(2**16)  # a run that goes on asks whether its data changed, and then reads it
def _content(file: Path, state: tuple[int, ...]) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
