"""A folder that is written has one owner: the process that holds its lock.

The system gives the lock back when a process ends, however it ends, so none has to be removed by hand.
"""

import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from train.runs.durable import write_json
from train.runs.errors import RunError
from train.runs.untrusted import read_json

LOCK, OWNER = ".lock", "owner.json"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Make the folder if it is not there, and own it. What is left empty is removed again.

    Raises RunError, naming the process, where another one owns it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise RunError(
            f"{folder} is being written by {owner(folder)}: wait, stop it, or give another folder"
        ) from None
    try:
        write_json(folder / OWNER, _self())
        yield
    finally:
        for name in (OWNER, LOCK):
            with suppress(OSError):  # Windows removes no open file
                (folder / name).unlink()
        lock.release()
        with suppress(OSError):  # it is not empty
            folder.rmdir()


def owner(folder: Path) -> str:
    """Who owns a folder, for a person."""
    try:
        fields = read_json(folder / OWNER)
        return f"process {fields['pid']} on {fields['host']} since {fields['since']} ({fields['command']})"
    except (RunError, KeyError):  # between its taking the lock and saying so
        return "another process"


def is_owned(folder: Path) -> bool:
    """Whether a process writes a folder, by what `owned` left there; one of another machine is believed."""
    try:
        fields = read_json(folder / OWNER)
        if fields["host"] != platform.node() or sys.platform == "win32":  # where asking would end it
            return True
        os.kill(fields["pid"], 0)
    except PermissionError:  # it is there, and another user's
        return True
    except (RunError, KeyError, TypeError, OSError, OverflowError):
        return False
    return True


def _self() -> dict[str, str | int]:
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": platform.node(), "since": since, "command": shlex.join(sys.argv)}
