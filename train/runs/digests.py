"""Digests (SHA-256) of what a run wrote, so that what was changed since is noticed when it is read.

They are no signature: who changes a file on purpose can change its digest too.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SEAL = "digest"  # the field of a JSON object that holds the digest of the others


def of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_files(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Those of the named files that are there."""
    return {name: of_file(folder / name) for name in names if (folder / name).is_file()}


def of_array(array: np.ndarray) -> str:
    """Of dtype, shape and numbers."""
    digest = hashlib.sha256(f"{array.dtype} {array.shape} ".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def of_json(value: Any) -> str:
    """Of a value that JSON can hold, as it comes out of a file again."""
    return _of_read(json.loads(json.dumps(value)))


def _of_read(value: Any) -> str:
    """The same of what came out of a file, which is half the work."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def sealed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with a digest of themselves."""
    bare = {name: value for name, value in fields.items() if name != SEAL}
    return {**bare, SEAL: of_json(bare)}


def is_sealed(read: Any) -> bool:
    """Whether what was read from a file is fields as `sealed` gave them."""
    if not isinstance(read, dict) or SEAL not in read:
        return False
    return _of_read({name: value for name, value in read.items() if name != SEAL}) == read[SEAL]
