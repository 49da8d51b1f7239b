"""Folders of files: which there are, of which split, and texts that lie in a folder a label."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from io import StringIO
from pathlib import Path

from data.errors import DataError
from data.readers.long_text import LONG, LongText, TextFile
from data.readers.plain import lines
from data.readers.table import Row, Table, picked

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What a file, a folder or a value may be named for each split."""
TEXT = ".txt"
LINES = 20  # of a file that may hold a text a line


def split_of(name: str) -> str:
    """The split that a name says, as train-00000-of-00002.parquet does; "" if it says none, or several."""
    found = {SPLITS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in SPLITS}
    return found.pop() if len(found) == 1 else ""


def visible(folder: Path, above: tuple[Path, ...] = ()) -> list[Path]:
    """What lies in a folder, by name, less hidden files.

    Raises:
        DataError: it cannot be read, or is a link that leads back into one of the folders ``above``.
    """
    try:
        if folder.resolve(strict=True) in above:
            raise DataError(f"{folder} is a link that leads back to where it lies; remove it.")
        return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))
    except (OSError, RuntimeError) as error:  # of a link to itself: RuntimeError up to Python 3.12
        reason = getattr(error, "strerror", None) or "a link that leads back to itself"
        raise DataError(f"could not read {folder}: {reason}; check the path.") from error


def files_under(folder: Path, suffix: str, above: tuple[Path, ...] = ()) -> list[Path]:
    """The files with this suffix in a folder and in those below it, by path. Raises DataError."""
    found, here = [], (*above, folder.resolve())
    for path in visible(folder, above):
        if path.is_symlink() and not path.exists():
            raise DataError(f"{path} is a link that leads nowhere, or back to itself; remove it.")
        if path.is_dir():
            found += files_under(path, suffix, here)
        elif path.suffix.lower() == suffix:
            found.append(path)
    return found


def by_split(paths: Sequence[Path], folder: Path, exact: bool = False) -> dict[str, list[Path]]:
    """Files or folders by the split that their names say, or are (``exact``); all under "" where none is of
    training.

    Raises:
        DataError: some names say a split and others do not.
    """
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = SPLITS.get(path.stem.lower(), "") if exact else split_of(path.stem)
        found.setdefault(name, []).append(path)
    if "train" not in found:
        return {"": list(paths)}
    if "" in found:
        raise DataError(
            f"{folder}: {found[''][0].name} is named after no split, but others are; name all of them "
            "train, validation or test, or none."
        )
    return found


def by_label(folder: Path, encoding: str) -> Table | None:
    """The texts below a folder whose folders are their labels; None if there are none such."""
    above = (folder.resolve(),)
    labels = {path.name: files_under(path, TEXT, above) for path in visible(folder) if path.is_dir()}
    files = [(path, label) for label, paths in labels.items() for path in paths]
    if not files:
        return None
    columns = ("text", "label")

    def rows(names: Sequence[str]) -> Iterator[Row]:
        places = picked(columns, names)
        for path, label in files:
            values = whole(path, encoding), label
            yield str(path.relative_to(folder)), tuple(values[place] for place in places)

    return Table(folder, tuple(path for path, _ in files), columns, rows)


def documents(folder: Path, files: Sequence[Path], encoding: str, one_a_line: bool | None) -> Table:
    """The texts of files, without labels: a line each, or a file each; None: a line if there is one file, and
    no blank line in it but `LINES` of others."""

    @cache  # a look at the whole file: once, and not each time that the rows are read
    def each_line() -> bool:
        return len(files) == 1 and holds_lines(files[0], encoding) if one_a_line is None else one_a_line

    @cache
    def file_at(path: Path) -> TextFile:
        return TextFile(path, encoding)

    def rows(names: Sequence[str]) -> Iterator[Row]:
        for path in files:
            if not each_line():
                is_long = path.stat().st_size > LONG
                text = LongText(file_at(path)) if is_long else whole(path, encoding).replace("\r\n", "\n")
                yield path.name, (text,)
            else:
                for number, line in lines_in(path, encoding):
                    yield f"{path.name}, line {number}", (line.rstrip("\r\n"),)

    return Table(folder, tuple(files), ("text",), rows)


def lines_in(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """`lines` of a file that may be empty: none, then."""
    return lines(path, encoding) if path.stat().st_size else iter(())


def holds_lines(path: Path, encoding: str) -> bool:
    """Whether a file has `LINES` lines or more and none that is blank. Raises DataError as `lines` does."""
    number = 0
    for number, line in lines_in(path, encoding):  # noqa: B007
        if not line.strip():
            return False
    return number >= LINES


def whole(path: Path, encoding: str) -> str:
    """A whole file as one text, "" if it is empty. Raises DataError as `lines` does."""
    text = StringIO(newline="")  # which takes less than a list of the lines
    for _, line in lines_in(path, encoding):
        text.write(line)
    return text.getvalue()
