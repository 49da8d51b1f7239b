"""JSONL: an object a line; a key is a column."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from data.errors import DataError
from data.readers.plain import lines, quoted
from data.readers.table import SAMPLE, Row, Table


def read(path: Path, encoding: str) -> Table:
    """The table in a file; its columns are the keys of the first `SAMPLE` lines.

    Raises:
        DataError: what `plain.lines` refuses, and a line that is no JSON object or has a key twice.
    """
    columns: dict[str, None] = {}
    for _, fields in islice(_objects(path, encoding), SAMPLE):
        columns |= dict.fromkeys(fields)
    if not columns:
        raise DataError(f"{path} has no columns: no line is a JSON object with keys; give each line one.")

    def rows(names: Sequence[str]) -> Iterator[Row]:
        for number, fields in _objects(path, encoding):
            yield f"line {number}", tuple(map(fields.get, names))

    return Table(path, (path,), tuple(columns), rows)


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in lines(path, encoding):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, object_pairs_hook=_once)
        except RecursionError:
            raise DataError(f"{path}, line {number}: nested too deeply; give an object of texts.") from None
        except ValueError as error:
            whole = number == 1 and line.lstrip()[:1] == "["
            remedy = (
                f"one object a line: jq -c '.[]' {quoted(path)} > lines.jsonl" if whole else "mend the line"
            )
            raise DataError(f"{path}, line {number}: no JSON object ({error}); {remedy}.") from error
        if not isinstance(fields, dict):
            kind = type(fields).__name__
            raise DataError(f"{path}, line {number}: a {kind} where an object with keys belongs.")
        yield number, fields


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} stands in it twice")
    return fields
