"""Parquet, by pyarrow, which the extra `parquet` brings."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.errors import DataError
from data.readers.plain import refuse_no_file
from data.readers.table import Row, Table, picked, refuse_twice

ROWS = 1024  # read at once


def read(path: Path, encoding: str) -> Table:
    """The table in a file. Labels that `datasets` wrote as numbers have their names again.

    Raises:
        DataError: there is no pyarrow, or the file is none, cut or damaged.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(
            f"{path}: Parquet is read by pyarrow, which is not installed: pip install 'twinformer[parquet]'."
        ) from error
    refuse_no_file(path)
    broken = (pyarrow.ArrowException, OSError)
    try:
        schema = parquet.read_schema(path)
    except broken as error:
        raise _damaged(path, error) from error
    columns, names_of = tuple(schema.names), _class_names(schema.metadata or {})
    refuse_twice(columns, path)

    def rows(names: Sequence[str]) -> Iterator[Row]:
        number = 0
        try:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(ROWS, columns=list(names)):
                    where = picked(batch.schema.names, names)
                    values = [
                        _named(batch.column(n).to_pylist(), names_of.get(batch.schema.names[n]))
                        for n in where
                    ]
                    for row in zip(*values, strict=True):
                        number += 1
                        yield f"row {number}", row
        except broken as error:
            raise _damaged(path, error) from error

    return Table(path, (path,), columns, rows)


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """By column, the names of its classes, as `datasets` writes them."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {name: one["names"] for name, one in features.items() if one.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _named(values: list[Any], names: list[str] | None) -> list[Any]:
    if names is None:
        return values
    return [names[value] if isinstance(value, int) and 0 <= value < len(names) else value for value in values]


def _damaged(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())
    return DataError(f"{path} is cut or no Parquet file ({reason:.150}); copy it again.")
