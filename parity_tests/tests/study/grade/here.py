"""Grading in this process, without the seconds that another one takes to start."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np

from parity_tests.runners.arrays import Inputs
from study.grade import grade, process, worker
from study.grade.result import Grade


def run(
    request: worker.Request,
    cases: Mapping[str, Inputs],
    weights: Mapping[str, np.ndarray] | None = None,
    seconds: float = 0.0,
) -> process.Ran:
    """`process.run` without a process."""
    path = list(sys.path)
    with TemporaryDirectory() as folder:
        answer, arrays = worker.attempt(request, dict(cases), dict(weights or {}), Path(folder) / "stage")
    sys.path[:] = path
    return process.ran(answer, arrays)


def environment() -> dict[str, str]:
    """Of a process that imports the packages of this one."""
    return {**os.environ, "PYTHONPATH": str(Path(process.__file__).parents[2])}


def in_this_process() -> Any:
    """A context in which no other process is begun."""
    return mock.patch.object(process, "run", run)


def graded(path: Path, part: str, framework: str) -> Grade:
    with in_this_process():
        return grade.grade(path, part, framework)
