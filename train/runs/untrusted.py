"""JSON files of runs and checkpoints, which anybody may have written, judged before they are used."""

import json
import math
import stat
from pathlib import Path
from typing import Any

from train.runs.errors import RunError

SETTINGS = 1 << 20  # bytes of a JSON file of settings; a thousand named classes are a tenth of it
DEPTH = 64  # levels of lists and settings in each other
DIGITS = 40  # of a whole number: 10^30 stands in tokenizer_config.json for "no limit"


def read_json(path: Path, limit: int = SETTINGS) -> dict[str, Any]:
    """The settings in a JSON file of ``limit`` bytes at most.

    Raises RunError in one line: no such file, no JSON, no settings by name, too large or too deep a file.
    """
    try:
        fields = parse_json(read_text(path, limit))
    except OSError as error:
        raise RunError(f"cannot read {path} ({error.strerror})") from error
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from error
    if not isinstance(fields, dict):
        raise RunError(f"{path} is damaged: it holds {type(fields).__name__} where settings by name belong")
    return fields


def read_text(path: Path, limit: int) -> str:
    """The text of a file of ``limit`` bytes at most. A pipe or a device is not opened.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it is no plain file, too large, or not UTF-8.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no plain file")
    if found.st_size > limit:
        raise ValueError(f"it has {found.st_size:,} bytes, where {limit:,} are enough")
    with path.open("rb") as file:
        return file.read(limit + 1).decode("utf-8")


def parse_json(text: str) -> Any:
    """What JSON says.

    Raises:
        ValueError: in one line: no JSON, nested deeper than `DEPTH`, a name twice in one place, a number that
            is not finite or has more digits than `DIGITS`, or half of a character.
    """
    try:
        value = json.loads(
            text, parse_int=_whole, parse_float=_finite, parse_constant=_finite, object_pairs_hook=_once
        )
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEPTH} levels") from None
    _check(value)
    return value


def _whole(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _finite(number: str) -> float:
    """Also what `json` takes beyond JSON: NaN, Infinity."""
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number[:DIGITS]} is no finite number")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:DIGITS]!a} stands in it twice")
    return fields


def _check(value: Any) -> None:
    """Level by level, so that no depth is too much for this."""
    level = [value]
    for _ in range(DEPTH + 1):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, str):
                one.encode("utf-8")  # half a surrogate pair raises UnicodeEncodeError, a ValueError
            elif isinstance(one, dict):
                inner += [*one, *one.values()]
            elif isinstance(one, list):
                inner += one
        if not inner:
            return
        level = inner
    raise ValueError(f"it is nested deeper than {DEPTH} levels")
