"""What Hugging Face's `datasets` has: folders that it saved (save_to_disk), and what it loads by name.

A name is written hf:NAME, or hf:NAME:CONFIGURATION where a data set has several configurations.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from data.errors import DataError
from data.readers.folders import split_of
from data.readers.table import Row, Table

NAMED = "hf:"
OLDEST = 3  # its first version that runs no code of a data set's unasked
ROWS = 1024  # read at once
# What to do, by what the library said.
REMEDIES = {
    ("no space",): "make room there, or have its files elsewhere: HF_HOME",
    ("couldn't reach", "connect", "offline"): "go online, or fetch its files and give their path",
    ("gated", "authenticat", "login"): "log in first, as somebody who may read it: hf auth login",
    ("config",): "name one of them: hf:NAME:CONFIGURATION",
    ("script",): "fetch its texts, which it has code of its own for, and give their path",
    ("",): "look its name up on https://huggingface.co/datasets",
}


def is_saved(folder: Path) -> bool:
    """Whether a folder is a data set, or a dictionary of them, that `datasets` saved."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def is_named(path: Path | str) -> bool:
    """Whether this is no path, but a data set's name."""
    return str(path).startswith(NAMED)


def read(folder: Path) -> dict[str, list[Table]]:
    """The tables in a folder, as `_by_split` gives them.

    Raises:
        DataError: there is no `datasets`, or it cannot read the folder.
    """
    library = _library(f"{folder} was saved")
    try:
        found = library.load_from_disk(str(folder))
    except Exception as error:  # whatever its file formats raise
        raise DataError(
            f"{folder} cannot be read by datasets ({_line(error):.150}); save it again."
        ) from error
    return _by_split(folder, found)


def load(name: Path) -> dict[str, list[Table]]:
    """The tables of a data set by its name, as `_by_split` gives them; what they hold is in their digests.

    It is asked for once in a process, so that all that a run reads is of one state.

    Raises:
        DataError: there is no `datasets`, or no such data set for us: why, and the remedy.
    """
    library = _library(f"{name} is loaded")
    if int(library.__version__.partition(".")[0]) < OLDEST:
        raise DataError(
            f"{name}: datasets {library.__version__} would run code that a data set brings; take a newer "
            "one: pip install --upgrade datasets."
        )
    return _loaded(library, name)


@cache
def _loaded(library: Any, path: Path) -> dict[str, list[Table]]:
    name, _, configuration = path.as_posix().removeprefix(NAMED).partition(":")
    try:
        found = library.load_dataset(name, configuration or None)
    except Exception as error:  # of the network, the hub, the formats of files
        why = error.__cause__ if type(error).__name__ == "DatasetGenerationError" else None
        said = _line(why or error)
        about = said.replace(f"'{name}'", "").lower()
        remedy = next(remedy for marks, remedy in REMEDIES.items() if any(mark in about for mark in marks))
        raise DataError(f"{path}: datasets cannot load it ({said:.200}); {remedy}.") from error
    return _by_split(path, found)


def _line(error: BaseException) -> str:
    """What it says, in one line."""
    return " ".join(str(error).split())


def _library(what: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"{what} by Hugging Face's datasets, which is not installed: pip install datasets."
        ) from error
    return datasets


def _by_split(path: Path, found: Any) -> dict[str, list[Table]]:
    """Tables by the split that their names say, those of other names left out; all under "" where none is of
    training, as a single set is."""
    parts = {str(name): part for name, part in found.items()} if isinstance(found, dict) else {"": found}
    tables: dict[str, list[Table]] = {}
    for name, part in parts.items():
        tables.setdefault(split_of(name), []).append(_table(path, name, part))
    if "train" not in tables:
        return {"": [table for found in tables.values() for table in found]}
    return {split: found for split, found in tables.items() if split}


def _table(path: Path, name: str, part: Any) -> Table:
    # Pictures and sounds would be decoded, and are no texts.
    columns = tuple(one for one in part.column_names if not hasattr(part.features[one], "decode_example"))
    before = f"{name}, " if name else ""

    def rows(names: Sequence[str]) -> Iterator[Row]:
        labels = [getattr(part.features[one], "int2str", None) for one in names]
        number = 0
        try:
            for batch in part.select_columns(list(names)).iter(ROWS):
                for values in zip(*(batch[one] for one in names), strict=True):
                    number += 1
                    yield f"{before}row {number}", tuple(map(_named, values, labels))
        except Exception as error:  # whatever its file formats raise
            again = "delete what it keeps of it, in HF_HOME" if is_named(path) else "save it again"
            said = f"after {before}row {number} datasets can read no more ({_line(error):.150})"
            raise DataError(f"{path}: {said}; {again}.") from error

    @cache
    def digest() -> str:
        total = sha256(json.dumps([name, columns]).encode())
        for _, values in rows(columns):
            total.update(json.dumps(values, default=str).encode())
        return total.hexdigest()

    files = tuple(sorted({Path(one["filename"]) for one in part.cache_files}))
    return Table(path, files, columns, rows, digest if is_named(path) else None)


def _named(value: Any, name_of: Any) -> Any:
    return name_of(value) if name_of is not None and isinstance(value, int) and value >= 0 else value
