"""What a path holds, as tables by split: a file by its ending, a folder by what lies in it, or a name."""

from collections.abc import Callable
from pathlib import Path

from data.errors import DataError
from data.readers import delimited, hugging_face, json_lines, parquet
from data.readers.folders import TEXT, by_label, by_split, documents, files_under, split_of, visible
from data.readers.table import Table

READERS: dict[str, Callable[[Path, str], Table]] = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), delimited.read),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), json_lines.read),
    **dict.fromkeys((".parquet", ".pq"), parquet.read),
}
FORMATS = "CSV, TSV, JSONL or Parquet"
Parts = dict[str, list[Table]]
"""Tables by the split that their names say ("train", "validation", "test"); under "" where they say none."""


def tables_of(path: Path, encoding: str, labelled: bool, one_a_line: bool | None = None) -> Parts:
    """The tables of a file, of a folder, or of a data set by its name.

    Args:
        path: where they lie, or the name as `hugging_face.load` takes it.
        encoding: of text files.
        labelled: whether texts have labels: then files of plain text lie in a folder a label.
        one_a_line: whether each line of a plain file is a text, or the file is one; None: see `documents`.

    Raises:
        DataError: there are none, or one cannot be read.
    """
    if hugging_face.is_named(path):
        return hugging_face.load(path)
    if not path.is_dir():
        reader = READERS.get(path.suffix.lower())
        if reader is not None:
            return {"": [reader(path, encoding)]}
        if labelled:
            raise DataError(f"{path}: no labels in it; a classifier reads {FORMATS}, or a folder a label.")
        return {"": [documents(path, [path], encoding, one_a_line)]}
    if hugging_face.is_saved(path):
        return hugging_face.read(path)
    entries = visible(path)
    files = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in READERS]
    if files:
        return {
            split: [READERS[file.suffix.lower()](file, encoding) for file in found]
            for split, found in by_split(files, path).items()
        }
    folders = by_split([entry for entry in entries if entry.is_dir() and split_of(entry.name)], path)
    if "train" in folders:
        inner = {
            split: [tables_of(folder, encoding, labelled, one_a_line) for folder in found]
            for split, found in folders.items()
        }
        return {
            split: [t for part in parts for ts in part.values() for t in ts] for split, parts in inner.items()
        }
    return _of_texts(path, encoding, labelled, one_a_line)


def _of_texts(folder: Path, encoding: str, labelled: bool, one_a_line: bool | None) -> Parts:
    """Of a folder of plain texts."""
    texts = files_under(folder, TEXT)
    if not texts:
        raise DataError(f"{folder} holds no texts: no {TEXT} in it, and no {FORMATS}.")
    if not labelled:
        return {
            split: [documents(folder, files, encoding, one_a_line)]
            for split, files in by_split(texts, folder, exact=True).items()
        }
    table = by_label(folder, encoding)
    if table is None:
        raise DataError(
            f"{folder} holds texts without labels: put those of each label into a folder of its name."
        )
    return {"": [table]}
