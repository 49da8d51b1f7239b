"""CSV and TSV, by the standard library: the first line has the columns' names."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.errors import DataError
from data.readers.plain import LINE, lines
from data.readers.table import Row, Table, picked, refuse_twice

DELIMITERS = (",", ";", "\t", "|")


def read(path: Path, encoding: str) -> Table:
    """The table in a file whose fields are set apart by the one of `DELIMITERS` that its first line has most.

    Raises:
        DataError: what `plain.lines` refuses, no header, two columns of one name; and while rows are read, a
            row with more or fewer fields than the header, or a quote that does not end.
    """
    csv.field_size_limit(LINE)  # of the process; its default is shorter than some texts
    first = next(line for _, line in lines(path, encoding))
    # Of equal ones the first, so that a single column is taken for CSV.
    delimiter = max(DELIMITERS, key=lambda mark: len(_split(first, mark)))
    quoting = _quoting(path, encoding, delimiter)
    columns = tuple(name.strip() for name in next(_records(path, encoding, delimiter, quoting))[1])
    if not any(columns):
        raise DataError(f"{path} has no header: its first line is blank; put the columns' names there.")
    refuse_twice([name for name in columns if name], path)

    def rows(names: Sequence[str]) -> Iterator[Row]:
        places = picked(columns, names)
        records = _records(path, encoding, delimiter, quoting)
        next(records)
        for line, values in records:
            if len(values) != len(columns):
                raise DataError(
                    f"{path}, line {line}: {len(values)} fields where the header has {len(columns)}; put "
                    f"a text that holds {delimiter!r} between double quotes."
                )
            yield f"line {line}", tuple(values[place] for place in places)

    return Table(path, (path,), columns, rows)


def _records(path: Path, encoding: str, delimiter: str, quoting: Any) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line that it begins in; blank lines are none."""
    reader = csv.reader(
        (line for _, line in lines(path, encoding)), delimiter=delimiter, quoting=quoting, strict=True
    )
    begun = 1
    try:
        for values in reader:
            if values:
                yield begun, values
            begun = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {begun}: {error}: a double quote does not end; double those within a text."
        ) from error


def _quoting(path: Path, encoding: str, delimiter: str) -> Any:
    """Whether double quotes enclose texts. Many a TSV has quotes that are only letters: all are, then."""
    if delimiter == "\t":
        try:
            for _ in _records(path, encoding, delimiter, csv.QUOTE_MINIMAL):
                pass
        except DataError as error:
            if isinstance(error.__cause__, csv.Error):
                return csv.QUOTE_NONE
            raise
    return csv.QUOTE_MINIMAL


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])
