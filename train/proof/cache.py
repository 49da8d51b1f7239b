"""Parity checks that passed, remembered in the user's cache: the same check need not be made again."""

import json
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from parity_tests.core.compare import Check, all_passed
from train import sources
from train.proof import frameworks
from train.runs import digests
from train.runs.durable import write_json

VERSIONS = ("jax", "jaxlib", "flax", "torch", "numpy", "einops", "ml_dtypes", "scipy", "opt_einsum")
METRICS, WEIGHTS, EVALUATION = "metric", "after an update", "evaluation"  # kinds of a preflight's checks


def folder() -> Path:
    """Where the passing checks lie, one file each."""
    return Path(platformdirs.user_cache_dir("twinformer")) / "parity"


def digest(question: Mapping[str, Any], arrays: Iterable[np.ndarray]) -> str | None:
    """One name for all that decides how a check ends: code, settings, arrays, libraries, machine.

    ``question`` is anything that JSON can hold. None where it is not known of which sources the code is, or
    what a framework that is not imported would say of itself.
    """
    code, said = sources.whole(), [frameworks.said(name, folder()) for name in frameworks.SAYS]
    if code is None or None in said:
        return None
    machine = [platform.machine(), platform.processor()]
    total = sha256(digests.of_json([question, code, libraries(), machine, said]).encode())
    for array in arrays:
        total.update(digests.of_array(array).encode())
    return total.hexdigest()


def recall(name: str | None, whole: Callable[[list[Check]], bool]) -> list[Check] | None:
    """The checks of a check that passed before; None where there was none, or its file is not whole.

    ``whole`` says whether all that had to be looked at is among them.
    """
    try:
        fields = json.loads((folder() / f"{name}.json").read_bytes())
        checks = [Check(**row) for row in fields["checks"]]
        sound = digests.is_sealed(fields) and fields["name"] == name and whole(checks)
        return checks if sound and all_passed(checks) and all(map(within, checks)) else None
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None


def complete(checks: list[Check], params: Iterable[str]) -> bool:
    """Whether taps, every parameter's gradient, updates and evaluation are among a preflight's checks."""
    kinds = {check.kind for check in checks}
    gradients = {check.name for check in checks if check.kind == "parameter gradient"}
    return set(params) <= gradients and {"forward", "tap", METRICS, WEIGHTS, EVALUATION} <= kinds


def within(check: Check) -> bool:
    """Whether it passed by its own numbers."""
    return check.passed is True and 0.0 <= check.max_rel_error <= check.bound < 1.0


def remember(name: str | None, checks: list[Check]) -> None:
    """Keep the checks of a check that passed. A cache that cannot be written is as good as none."""
    if name is None:
        return
    try:
        folder().mkdir(parents=True, exist_ok=True)
        rows = [asdict(check) for check in checks]
        write_json(folder() / f"{name}.json", digests.sealed({"name": name, "checks": rows}))
    except OSError:
        pass


def libraries() -> dict[str, Any]:
    """Versions, and the environment's variables that can change a number."""
    return {
        "python": platform.python_version(),
        "versions": {package: version(package) for package in VERSIONS},
        "environment": frameworks.environment(),
    }
