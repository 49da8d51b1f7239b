"""Running a learner's code in a process of its own, which may hang, print, exit or break without harm here.

It is no sandbox: the code can do to the user's files what the user can.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO

import numpy as np

from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs
from study.grade.worker import SEPARATOR, Answer, Request, packed, unpacked

SECONDS = 60.0  # that a learner's code may take
PRINTED = 2000  # characters that are kept of what it prints


@dataclass(frozen=True)
class Ran:
    """What came of a learner's code."""

    answer: Answer
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    traces: dict[str, Trace] = field(default_factory=dict)
    """By case."""
    draws: np.ndarray | None = None
    """What it returns in training, (draw, ...)."""
    printed: str = ""
    """The end of what the code printed."""


def run(
    request: Request,
    cases: Mapping[str, Inputs],
    weights: Mapping[str, np.ndarray] | None = None,
    seconds: float = SECONDS,
) -> Ran:
    """Run a file in a process of its own. With ``weights`` it gets these, not random ones."""
    with tempfile.TemporaryDirectory(prefix="twinformer-grade-") as name:
        folder = Path(name)
        (folder / "request.json").write_text(json.dumps(asdict(request)), "utf-8")
        given = {"weights": weights} if weights else {}
        np.savez(folder / "inputs.npz", **packed({**cases, **given}))
        status, printed = _process(folder, seconds)
        return _answer(folder, status, printed, seconds)


def _process(folder: Path, seconds: float) -> tuple[int | None, str]:
    """The exit status, None if it had to be ended, and the end of what was printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "study.grade.worker", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            **_path(),
        },
        start_new_session=True,
    )
    tail = bytearray()
    assert process.stdout is not None
    reader = Thread(target=_drain, args=(process.stdout, tail), daemon=True)
    reader.start()
    try:
        status: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        _end(process)
    reader.join(5.0)  # all that could write is ended, but for what has left the group
    return status, tail.decode("utf-8", "replace")


def _path() -> dict[str, str]:
    """The packages of this process, wherever they are imported from."""
    root = str(Path(__file__).parents[2])
    return {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}


def _drain(stream: IO[bytes], tail: bytearray) -> None:
    """Read all that is printed and keep its end."""
    with stream:
        while chunk := stream.read1(1 << 16):  # type: ignore[attr-defined]
            tail += chunk
            del tail[:-PRINTED]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answer(folder: Path, status: int | None, printed: str, seconds: float) -> Ran:
    stage = folder / "stage"
    try:
        answer = Answer(**json.loads((folder / "answer.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        at = stage.read_text("utf-8", "replace")[:100] if stage.is_file() else "starting Python"
        return Ran(Answer(at, _ended(status, seconds)), printed=printed)
    with np.load(folder / "answer.npz", allow_pickle=False) as file:
        return ran(answer, unpacked(dict(file)), printed)


def ran(answer: Answer, groups: Mapping[str, dict[str, np.ndarray]], printed: str = "") -> Ran:
    """An answer with its arrays, in groups as `worker.carry_out` has them."""
    traces: dict[str, Trace] = {}
    for group, named in groups.items():
        case, _, kind = group.partition(SEPARATOR)
        if kind:
            traces.setdefault(case, Trace()).arrays[kind] = named
    draws = groups.get("training", {}).get("draws")
    return Ran(answer, groups.get("weights", {}), traces, draws, printed)


def _ended(status: int | None, seconds: float) -> str:
    if status is None:
        return f"it took longer than {seconds:g} s: is there a loop without an end?"
    if status < 0:
        return f"the process was ended by {signal.Signals(-status).name}"
    return f"the code ended the process with status {status}: take out exit()"
