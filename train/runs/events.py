"""The rows of metrics.jsonl as TensorBoard's events, in a file beside it; no framework is needed.

Importing this raises ImportError where TensorBoard is not installed.
"""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from train.runs.durable import naming
from train.runs.used import EVENTS


class Events:
    """A file of events that is being written, with the rows that were written before it was begun.

    It takes the place of the one before: what a run goes on with has no step twice. The time of an event is
    that of its writing.
    """

    def __init__(self, folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        for path in written(folder):
            path.unlink()
        self._path = folder / f"events.out.tfevents.{time.time_ns():020d}.twinformer"
        self._file = self._path.open("wb")
        self._records = RecordWriter(self._file)
        # A TensorBoard that is open forgets what it has read of the file before.
        self._write(file_version="brain.Event:2")
        self._write(step=0, session_log=SessionLog(status=SessionLog.START))
        for row in rows:
            self.write(row)

    def write(self, row: Mapping[str, Any]) -> None:
        """The numbers of a row, with their step counted from 1, as a run's pictures count."""
        values = [Summary.Value(tag=tag(name), simple_value=row[name]) for name in row.keys() - {"step"}]
        self._write(step=row["step"] + 1, summary=Summary(value=values))

    def _write(self, **fields: Any) -> None:
        with naming(self._path):
            self._records.write(Event(wall_time=time.time(), **fields).SerializeToString())

    def flush(self) -> None:
        with naming(self._path):
            self._file.flush()

    def close(self) -> None:
        with naming(self._path):
            self._file.close()


def tag(name: str) -> str:
    """validation_loss is validation/loss, and loss train/loss: TensorBoard groups them so."""
    split, _, rest = name.partition("_")
    return f"validation/{rest}" if split == "validation" else f"train/{name}"


def written(folder: Path) -> list[Path]:
    """The files of events that a run wrote."""
    return sorted(folder.glob(EVENTS))
