"""Arrays on file in the user's cache, by a name that says all that decides them.

A process that dies, a full disk and a second process leave no half of an entry; one that is not whole, or not
under its own name, is none.
"""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import platformdirs
from safetensors import SafetensorError
from safetensors.numpy import load, save

LIMIT = 256 * 2**20  # bytes of all entries; what was used longest ago goes first
DIGEST = 32  # bytes of an entry, before its arrays


def folder() -> Path:
    """Where the entries lie, one file each."""
    return Path(platformdirs.user_cache_dir("twinformer")) / "texts"


def recall(name: str) -> dict[str, np.ndarray]:
    """The arrays of an entry. Raises OSError where there is none, ValueError where it is not whole."""
    path = folder() / name
    if path.stat().st_size > LIMIT or not path.is_file():
        raise ValueError(f"{path} is no entry")
    content = path.read_bytes()
    if content[:DIGEST] != _digest(name, content[DIGEST:]):
        raise ValueError(f"{path} is not whole")
    with suppress(OSError):  # of a cache that can only be read
        os.utime(path)
    try:
        return load(content[DIGEST:])
    except SafetensorError as error:
        raise ValueError(f"{path} holds no arrays") from error


def remember(name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays. A cache that cannot be written is as good as none."""
    content = save(dict(arrays))
    with suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder(), delete=False) as file:
            partial = Path(file.name)
            try:
                file.write(_digest(name, content) + content)
                file.close()
                partial.replace(folder() / name)
            finally:
                partial.unlink(missing_ok=True)
        drop_oldest()


def drop_oldest() -> None:
    """Remove what was used longest ago, and what a process left that died, down to `LIMIT` bytes."""
    found = sorted(((path.stat(), path) for path in folder().iterdir()), key=lambda one: -one[0].st_mtime)
    total = 0
    for about, path in found:
        total += about.st_size
        if total > LIMIT:
            path.unlink(missing_ok=True)


def _digest(name: str, content: bytes) -> bytes:
    return sha256(name.encode() + content).digest()
