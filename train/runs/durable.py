"""Files that are whole or not there: written aside, brought to the disk, then moved into place."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place to write to, which becomes ``path`` at the end, with the mode of any new file.

    A process that is killed, or a disk that is full, leaves the file that was there before, whole. After the
    block it is the new one that a power cut leaves.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with naming(path):
            partial.touch()
            mode = partial.stat().st_mode
            yield partial
            partial.chmod(mode)  # some writers make files that their owner alone reads
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(path)
            sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what is said
            partial.unlink(missing_ok=True)
        raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """The system's errors say which file they are about, where they do not say so themselves."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; Windows has no such call."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read."""
    text = json.dumps(value, indent=1) + "\n"
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe
        path.write_text(text, encoding="utf-8")
        return
    with replacing(path.resolve()) as partial:
        partial.write_text(text, encoding="utf-8")


def write(path: Path | None, how: Callable[[Path], Any]) -> None:
    """Write a file that was asked for, into a new folder if need be."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        how(path)
