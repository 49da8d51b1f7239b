"""A disk that fails: the nth operation on a file below a folder raises an error of the system."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

KINDS = {
    errno.ENOSPC: "No space left on device",
    errno.EACCES: "Permission denied",
    errno.EIO: "Input/output",
}
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.truncate")


class Disk:
    """Counts operations, and fails from one of them on, as a full disk does, or that one alone."""

    def __init__(self, folder: Path, fails_at: int | None, number: int, lasts: bool) -> None:
        self._below, self._fails_at, self._number, self._lasts = str(folder), fails_at, number, lasts
        self.operations = 0

    def touch(self, path: Any) -> None:
        """One operation. Raises OSError where it is its turn."""
        path = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if not path.startswith(self._below):
            return
        self.operations += 1
        if self._fails_at is None or self.operations < self._fails_at:
            return
        if self.operations == self._fails_at or self._lasts:
            raise OSError(self._number, os.strerror(self._number), path)


ACTIVE: list[Disk] = []


def hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's own account of what is done to files; a hook stays for good, so it looks for a disk."""
    if not ACTIVE:
        return
    if event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        ACTIVE[-1].touch(arguments[0])


sys.addaudithook(hear)


@contextmanager
def failing(folder: Path, at: int | None, number: int = errno.ENOSPC, lasts: bool = False) -> Iterator[Disk]:
    """Within the block the disk below a folder fails; None: it only counts."""
    disk, fsync = Disk(folder, at, number, lasts), os.fsync

    def synced(descriptor: int) -> None:
        try:
            disk.touch(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError as error:
            raise OSError(error.errno, error.strerror) from None  # as the system has it, without a name
        fsync(descriptor)

    ACTIVE.append(disk)
    try:
        with mock.patch("os.fsync", synced):
            yield disk
    finally:
        ACTIVE.pop()
