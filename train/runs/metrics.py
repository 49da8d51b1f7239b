"""The rows that a run writes as it trains: metrics.jsonl, a line a step, and the same for TensorBoard."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from train.runs.durable import naming
from train.runs.errors import CheckpointError

NAME = "metrics.jsonl"
Rows = list[dict[str, Any]]


class Log:
    """A metrics.jsonl that is being written."""

    def __init__(self, path: Path, file: IO[bytes], digest: Any, size: int, events: Any = None) -> None:
        self._path, self._file, self._digest, self._size = path, file, digest, size
        self._events = events

    def write(self, step: int, **row: float) -> None:
        whole = {"step": step, **row}
        line = (json.dumps(whole) + "\n").encode()
        self._file.write(line)
        self._digest.update(line)
        self._size += len(line)
        if self._events:
            self._events.write(whole)

    def state(self) -> dict[str, Any]:
        """How many bytes were written, now on the disk, and their digest."""
        self.flush()
        with naming(self._path):
            os.fsync(self._file.fileno())
        return {"bytes": self._size, "sha256": self._digest.hexdigest()}

    def flush(self) -> None:
        with naming(self._path):
            self._file.flush()
        if self._events:
            self._events.flush()


@contextmanager
def appended(folder: Path, tensorboard: bool = False) -> Iterator[Log]:
    """The folder's log, to go on with after what it holds; with the same as events for ``tensorboard``."""
    path = folder / NAME
    with ExitStack() as stack:
        file = path.open("a+b")
        stack.callback(_close, path, file)
        file.seek(0)
        digest, size = hashlib.file_digest(file, "sha256"), file.tell()
        events = None
        if tensorboard:
            from train.runs.events import Events

            events = Events(folder, read_metrics(folder))
            stack.callback(events.close)
        yield Log(path, file, digest, size, events)


def _close(path: Path, file: IO[bytes]) -> None:
    with naming(path):
        file.close()


def written_by(folder: Path, step: int, state: Mapping[str, Any] | None) -> bytes:
    """What of a metrics.jsonl was written before a checkpoint at a step; ``state`` as `Log.state` gave it.

    What comes after it, whole or cut off, is of steps that are taken again.

    Raises CheckpointError where that is no longer there.
    """
    path = folder / NAME
    if state is None:  # before version 0.2
        return b"".join(
            json.dumps(row).encode() + b"\n" for row in read_metrics(folder) if row["step"] < step
        )
    size = state["bytes"]
    with path.open("rb") as file:
        found = file.read(size)
    if len(found) < size or hashlib.sha256(found).hexdigest() != state["sha256"]:
        raise CheckpointError(f"{path} is not what was written before step {step}: bring that file back")
    return found


def read_metrics(folder: Path) -> Rows:
    """The rows of a metrics.jsonl, in the order in which they were written."""
    return read_rows(folder / NAME)


def read_rows(path: Path) -> Rows:
    """The rows of a file that has one a line.

    A last line without its end was cut off when the run was killed; it is left out.
    """
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
