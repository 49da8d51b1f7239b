"""What a safetensors file says that it holds, checked against what it is, and read without the tensors."""

import math
from pathlib import Path
from typing import Any, NamedTuple

from train.runs.errors import CheckpointError
from train.runs.untrusted import parse_json

HEADER = 1 << 22  # bytes of a safetensors header, or of an index of shards; forty thousand tensors
NAME = 300  # letters of a tensor's name
WIDTHS = {  # bytes of a number
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}


class Stored(NamedTuple):
    """Where and what a tensor is in its file."""

    dtype: str
    """As the file calls it: "F32"."""
    shape: tuple[int, ...]
    begin: int
    """Its first byte, counted from the file's."""


def header(path: Path, remedy: str) -> dict[str, Stored]:
    """The dtypes and shapes in a safetensors file, which are read without the tensors.

    The places of the tensors are side by side and fill the file, and each is as long as its shape and dtype
    say; so no shape is larger than the file.

    Raises CheckpointError, which ends with ``remedy``: no such file, or one whose header says something else.
    """
    try:
        with path.open("rb") if path.is_file() else _refuse("it is no plain file") as file:
            size = path.stat().st_size - 8
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(size, HEADER):
                _refuse(f"it has {size + 8:,} bytes, and begins with a header of {length:,}")
            fields = parse_json(file.read(length).decode("utf-8"))
        return _tensors(fields, 8 + length, size + 8)
    except OSError as error:
        raise CheckpointError(f"cannot read {path} ({error.strerror}): {remedy}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged ({error}): {remedy}") from error


def _tensors(fields: Any, first: int, last: int) -> dict[str, Stored]:
    """What a header says of the bytes from ``first`` up to ``last``. Raises ValueError."""
    if not isinstance(fields, dict):
        _refuse("its header is no list of tensors")
    about = fields.pop("__metadata__", {})
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        _refuse("its metadata are no texts by name")
    found = {}
    places = []
    for name, tensor in fields.items():
        if not name.isprintable() or not 0 < len(name) <= NAME:
            _refuse(f"{name[:NAME]!a} is no name of a tensor")
        if not isinstance(tensor, dict) or tensor.keys() != {"dtype", "shape", "data_offsets"}:
            _refuse(f"{name} has not dtype, shape and data_offsets alone")
        dtype, shape, place = tensor["dtype"], tensor["shape"], tensor["data_offsets"]
        if not isinstance(dtype, str) or dtype not in WIDTHS:
            _refuse(f"{name} has dtype {str(dtype)[:NAME]!a}: known are {', '.join(WIDTHS)}")
        if not _whole_numbers(shape) or not _whole_numbers(place) or len(place) != 2:
            _refuse(f"{name} has a shape or data_offsets that are no whole numbers from 0 on")
        if math.prod(shape) * WIDTHS[dtype] != place[1] - place[0]:
            _refuse(f"{name} is {dtype} of shape {tuple(shape)}, but lies from byte {place[0]} to {place[1]}")
        found[name] = Stored(dtype, tuple(shape), first + place[0])
        places.append((*place, name))
    end = 0
    for begin, after, name in sorted(places):
        if begin != end:
            _refuse(f"{name} begins at byte {begin}, where the tensor before it ends at {end}")
        end = after
    if first + end != last:
        _refuse(f"its tensors have {end:,} bytes, and the file {last - first:,} for them")
    return found


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)


def _refuse(why: str) -> Any:
    raise ValueError(why)
