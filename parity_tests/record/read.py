"""Opening a recorded reference. The file is anybody's: what it says is checked before it is used."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from parity_tests.record.contract import KEY, ON_FILE, Contract, digest, read_contract
from parity_tests.record.recorded import Recorded, RecordError

NUMBERS = {"F16", "F32", "F64", "BOOL", *(f"{sign}{bits}" for sign in "UI" for bits in (8, 16, 32, 64))}
WHOLE = (
    "input",
    "parameter",
    "state",
    "forward",
    "input gradient",
    "parameter gradient",
)  # kinds without NaN


def read_recorded(path: str | Path) -> Recorded:
    """The reference that is recorded in a file.

    Raises RecordError, in one line that says what to do: no file, no recorded reference, a damaged one.
    """
    path = Path(path)
    if not path.is_file():
        raise RecordError(f"{path} is no file: make it by record(reference, inputs, {str(path)!r})")
    try:
        with safe_open(path, "numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            if text is None:
                raise ValueError("it holds tensors, and does not say of what")
            contract = read_contract(text)
            return _whole(Recorded(path, contract, *_arrays(file, contract)))
    except (SafetensorError, ValueError) as error:
        raise RecordError(
            f"{path} is no recorded reference that could be used ({error}): "
            f"record(reference, inputs, {str(path)!r}) makes one"
        ) from error


def _arrays(file: Any, contract: Contract) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """All that the contract names: arrays by kind and name, and what each part read."""
    there = set(file.keys())
    for key in contract.stored():
        if key not in there:
            raise ValueError(f"it names {key!r}, which is not there")
        if (kind := file.get_slice(key).get_dtype()) not in NUMBERS:
            raise ValueError(f"{key!r} is of {kind}")
    arrays = {
        kind: {name: file.get_tensor(f"{kind}/{name}") for name in contract.names.get(kind, ())}
        for kind in ON_FILE
    }
    reads = {
        name: [file.get_tensor(f"read {n}/{name}") for n in range(count)]
        for name, count in contract.reads.items()
    }
    return arrays, reads


def _whole(recorded: Recorded) -> Recorded:
    """Raises ValueError where what was recorded is not what is there."""
    if found := first_nan(recorded.arrays):
        raise ValueError(f"there is NaN in {found}")
    if recorded.arrays["parameter"] and not recorded.has_weights:
        raise ValueError("it has some of its parameters, and not all")
    for name, array in recorded.weights().items():
        if digest(array) != recorded.contract.digests[name]:
            raise ValueError(f"the parameter {name!r} is not the one that was recorded")
    return recorded


def first_nan(arrays: Mapping[str, Mapping[str, np.ndarray]]) -> str:
    """Of arrays by kind and name, the first with NaN, to which nothing can be equal; empty if there is none.

    A tap may hold it: what a mask hides later.
    """
    for kind in WHOLE:
        for name, array in arrays[kind].items():
            if array.dtype.kind == "f" and np.isnan(array).any():
                return f"{kind} {name!r}"
    return ""
