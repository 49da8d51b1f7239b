"""What a recorded reference says of itself: JSON in the header of its safetensors file.

Its arrays are called "KIND/NAME", and what a part read "read N/NAME", counted from 0.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from parity_tests.core.compare import BOUNDS
from parity_tests.core.trace import KINDS
from torch_impl.convert.row import Row

FORMAT = 1  # of the file: higher where a reader of the lower one would misread it
KEY = "twinformer_reference"  # where the JSON stands in the file's metadata
ON_FILE = ("input", "parameter", "state", "cotangent", *KINDS)  # the kinds of array


@dataclass(frozen=True)
class Contract:
    """Whose arrays these are, and in which order they came."""

    name: str
    framework: str
    """ "flax" or "torch"."""
    dtype: str
    versions: dict[str, str]
    seeds: dict[str, int]
    names: dict[str, list[str]]
    """By kind, the names of its arrays in their order. Without "parameter", there are digests alone."""
    reads: dict[str, int]
    """By tap, how many arrays its part read."""
    axes: dict[str, str]
    shapes: dict[str, list[int]]
    """Of the parameters."""
    digests: dict[str, str]
    """Of the parameters."""
    table: list[Row] | None = None

    def stored(self) -> Iterator[str]:
        """What the arrays are called in the file."""
        for kind in ON_FILE:
            yield from (f"{kind}/{name}" for name in self.names.get(kind, ()))
        yield from (f"read {n}/{name}" for name, count in self.reads.items() for n in range(count))

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self), "table": _as_json(self.table)})


TYPES: dict[str, Any] = {
    "name": str,
    "framework": str,
    "dtype": str,
    "versions": {str: str},
    "seeds": {str: int},
    "names": {str: [str]},
    "reads": {str: int},
    "axes": {str: str},
    "shapes": {str: [int]},
    "digests": {str: str},
}


def read_contract(text: str) -> Contract:
    """The contract that JSON holds. Raises ValueError where it is none, or of a newer format."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("its header is nested too deep") from None
    if not isinstance(value, dict) or type(number := value.pop("format", None)) is not int:
        raise ValueError("its header has no format")
    if number > FORMAT:
        raise ValueError(
            f"it has format {number}, and this version reads up to {FORMAT}: install a newer twinformer"
        )
    table = value.pop("table", None)
    if wrong := [name for name in {**TYPES, **value} if not _fits(value.get(name), TYPES.get(name))]:
        raise ValueError(f"its header's {wrong[0]!a} cannot be used")
    if value["framework"] not in ("flax", "torch") or value["dtype"] not in BOUNDS:
        raise ValueError(f"nobody knows a model of {value['framework']} in {value['dtype']}")
    if value["shapes"].keys() != value["digests"].keys():
        raise ValueError("its parameters' shapes and digests are not of the same parameters")
    return Contract(**value, table=_table(table))


def digest(array: np.ndarray) -> str:
    """Of the numbers in order, and the shape."""
    numbers = np.array(array, "<f8", order="C")
    return sha256(f"{numbers.shape}".encode() + numbers.tobytes()).hexdigest()


def _as_json(table: Sequence[Row] | None) -> list[Any] | None:
    return None if table is None else [[row.flax, row.torch, row.axes] for row in table]


def _table(value: Any) -> list[Row] | None:
    if not isinstance(value, list | None):
        raise ValueError("its table is no list of rows")
    return None if value is None else [_row(row) for row in value]


def _row(value: Any) -> Row:
    """A row of the table. Raises ValueError for what is none."""
    known = isinstance(value, list) and len(value) == 3 and _fits(value[2], str)
    if not known or not all(_fits(side, str) or _fits(side, [str]) for side in value[:2]):
        raise ValueError(f"its table has a row that is none: {str(value)[:60]!a}")
    flax, torch = (tuple(side) if isinstance(side, list) else side for side in value[:2])
    return Row(flax, torch, value[2])


def _fits(value: Any, like: Any) -> bool:
    """Whether JSON has these types: {str: [int]} are lists of whole numbers by name; and printable text."""
    if isinstance(like, dict):
        ((_, item),) = like.items()
        named = isinstance(value, dict) and all(name.isprintable() for name in value)
        return named and all(_fits(one, item) for one in value.values())
    if isinstance(like, list):
        return isinstance(value, list) and all(_fits(one, like[0]) for one in value)
    return type(value) is like and (like is not str or value.isprintable())
