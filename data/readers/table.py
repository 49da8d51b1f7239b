"""What every reader gives: named columns, and rows that come one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from data.errors import DataError

SAMPLE = 1000  # rows that are looked at to find out what a column holds
Row = tuple[str, tuple[Any, ...]]  # its place, as in "line 12", and its values


@dataclass(frozen=True)
class Table:
    """The rows of a file, or of a folder's files; read anew each time that they are asked for."""

    path: Path
    files: tuple[Path, ...]
    columns: tuple[str, ...]
    rows: Callable[[Sequence[str]], Iterator[Row]]
    """The values of these columns, row by row. A value that is not there is None."""
    digest: Callable[[], str] | None = None
    """Of the rows, where the files are not the user's, but a library's copy."""

    def sample(self) -> list[tuple[Any, ...]]:
        """The first rows, all columns."""
        return [values for _, values in islice(self.rows(self.columns), SAMPLE)]


def refuse_twice(columns: Sequence[str], path: Path) -> None:
    """Raise DataError where two columns have one name."""
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}: two columns are named {twice!r}; give each a name of its own.")


def picked(columns: Sequence[str], names: Sequence[str]) -> list[int]:
    """Where the named columns stand."""
    return [columns.index(name) for name in names]
