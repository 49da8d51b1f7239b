"""What a study found, with how it came about."""

import os
import shlex
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from train.runs.durable import write, write_json


def record(**figures: Any) -> dict[str, Any]:
    """The figures after the command, the versions, the machine and the day."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {
        "python": sys.version.split()[0],
        **{name: version(name) for name in ("jax", "flax", "torch", "numpy")},
    }
    return {
        "command": shlex.join(["twinformer", *sys.argv[1:]]),
        "versions": versions,
        "machine": f"CPU cores: {cores}",
        "date": date.today().isoformat(),
        **figures,
    }


def write_record(path: Path | None, **figures: Any) -> None:
    """A `record` as a JSON file; None is no file."""
    write(path, lambda path: write_json(path, record(**figures)))
