"""Large corpora as tokens in the user's cache: made once, and mapped into memory at every start after it.

They do not lie beside the data, which may be another's, read alone, or on a slow disk. An entry is a folder
under a name that says all that decides it. It is filled aside, brought to the disk, and only then takes its
name, so that one that is there is whole; its arrays are not read again to see so, which would take as long as
reading the corpus. Of two processes that make the same, the second finds it there and drops its own.
"""

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from data.errors import DataError
from train.runs import digests
from train.runs.durable import sync_folder, write_json
from train.runs.files import RunError, read_json

ABOUT = "about.json"
PARTIAL = "partial-"
UNUSED = 30 * 86400  # seconds after which an entry that nobody used is removed, when another is made
DEAD = 86400  # the same of a folder that is being filled, since its last byte
REMEDY = "make room there, or have the cache elsewhere (on Linux: XDG_CACHE_HOME)"


def folder() -> Path:
    """Where the entries lie, a folder each."""
    return Path(platformdirs.user_cache_dir("twinformer")) / "corpora"


def recall(name: str) -> dict[str, Any] | None:
    """What is known about an entry; None where there is none, or a file is not as long as it was."""
    place = folder() / name
    try:
        about = read_json(place / ABOUT, "no entry")
        whole = digests.is_sealed(about) and about["bytes"] == _sizes(place)
    except (OSError, RunError, ValueError, TypeError, KeyError):
        return None
    if whole:
        with suppress(OSError):  # of a cache that can only be read
            os.utime(place)
    return about if whole else None


def make(name: str, fill: Callable[[Path], dict[str, Any]]) -> Path:
    """The folder of an entry that is made now: ``fill`` writes its files and returns what to know about it.

    Raises:
        DataError: it cannot be written; and what ``fill`` raises.
    """
    try:
        folder().mkdir(parents=True, exist_ok=True)
        drop_unused()
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder()))
        try:
            about = fill(partial)
            write_json(partial / ABOUT, digests.sealed({**about, "bytes": _sizes(partial)}))
            _bring_to_disk(partial)
            _rename(partial, folder() / name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"could not keep the corpus' tokens in {folder()}: {error.strerror or error}; {REMEDY}."
        ) from error
    return folder() / name


def refuse_full(written: int, needed: int) -> None:
    """Raise DataError where the disk has no room for what is still to be written of so many bytes."""
    free = shutil.disk_usage(folder()).free
    if free < needed - written:
        raise DataError(
            f"the corpus' tokens need {needed / 1e9:.1f} GB in {folder()}, which has room for "
            f"{(free + written) / 1e9:.1f} GB; {REMEDY}."
        )


def drop_unused() -> None:
    """Remove entries that nobody used for long, and what a process left that died."""
    for place in folder().iterdir():
        with suppress(OSError):
            last = max(path.stat().st_mtime for path in (place, *place.iterdir()))
            if time.time() - last > (DEAD if place.name.startswith(PARTIAL) else UNUSED):
                shutil.rmtree(place, ignore_errors=True)


def _rename(partial: Path, place: Path) -> None:
    try:
        partial.rename(place)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR) and os.name != "nt":
            raise
        if recall(place.name) is None:  # something else lies there, or half of an entry
            shutil.rmtree(place, ignore_errors=True)
            place.unlink(missing_ok=True)
            partial.rename(place)
    sync_folder(place.parent)


def _bring_to_disk(place: Path) -> None:
    for path in place.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(place)


def _sizes(place: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(place.iterdir()) if path.name != ABOUT}
