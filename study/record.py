"""What a study found, with how it came about."""

import shlex
import sys
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from train.config import ConfigError
from train.paths import check_folder
from train.runs.durable import write, write_json
from train.sizes import cores

RECORD = "record.json"  # in the folder of a study
DIGITS = 5  # of a number in it


def record(**figures: Any) -> dict[str, Any]:
    """The figures after the command, the versions, the machine and the day."""
    versions = {
        "python": sys.version.split()[0],
        **{name: version(name) for name in ("jax", "flax", "torch", "numpy")},
    }
    return {
        "command": shlex.join(["twinformer", *sys.argv[1:]]),
        "versions": versions,
        "machine": f"CPU cores: {cores()}",
        "date": date.today().isoformat(),
        **figures,
    }


def write_record(path: Path | None, **figures: Any) -> None:
    """A `record` as a JSON file; None is no file."""
    write(path, lambda path: write_json(path, record(**figures)))


def check_out(out: Path) -> None:
    """Raise ConfigError where the folder of a study cannot be written, or holds a record already."""
    check_folder("out", out)
    if (out / RECORD).exists():
        raise ConfigError(f"out={out}: holds a {RECORD} already; give another folder, or remove it")


def few(value: float) -> float:
    """A number as the record has it."""
    return float(f"{value:.{DIGITS}g}")


def rounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers with a point as the record has them, those within too."""
    found = dict(facts)
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found[name] = rounded(value)
        elif isinstance(value, float):
            found[name] = few(value)
    return found
