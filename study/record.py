"""What a study found, with how it came about."""

import os
import shlex
import sys
from datetime import date
from importlib.metadata import version
from typing import Any


def record(**figures: Any) -> dict[str, Any]:
    """The figures after the command, the versions, the machine and the day."""
    versions = {
        "python": sys.version.split()[0],
        **{name: version(name) for name in ("jax", "flax", "torch")},
    }
    return {
        "command": shlex.join(["twinformer", *sys.argv[1:]]),
        "versions": versions,
        "machine": f"{os.cpu_count()} CPU cores",
        "date": date.today().isoformat(),
        **figures,
    }
