"""Parity checks that passed, remembered in the user's cache: the same check need not be made again."""

import json
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import jax
import pooch  # type: ignore[import-untyped]
import torch

import jax_impl
import parity_tests
import torch_impl
from parity_tests.core.compare import Check, all_passed
from parity_tests.twins.inputs import Inputs, Twin

VERSIONS = ("jax", "jaxlib", "flax", "torch", "numpy", "einops")


def folder() -> Path:
    """Where the passing checks lie, one file each."""
    return Path(pooch.os_cache("twinformer")) / "parity"


def digest(twin: Twin, inputs: Inputs, dtype: str, seed: int) -> str:
    """One name for all that decides how a check ends: code, model, inputs, libraries, machine."""
    total = sha256()
    for part in _parts(twin, inputs, dtype, seed):
        total.update(len(part).to_bytes(8, "little"))  # or "ab" + "c" would be "a" + "bc"
        total.update(part)
    return total.hexdigest()


def recall(name: str) -> list[Check] | None:
    """The checks of a check that passed before; None where there was none, or its file is damaged."""
    try:
        checks = [Check(**row) for row in json.loads((folder() / f"{name}.json").read_bytes())]
        return checks if all_passed(checks) else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def remember(name: str, checks: list[Check]) -> None:
    """Keep the checks of a check that passed. A cache that cannot be written is as good as none."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder()) as aside:
            path = Path(aside) / "readings.json"
            path.write_text(json.dumps([asdict(check) for check in checks]), encoding="utf-8")
            path.replace(folder() / f"{name}.json")
    except OSError:
        pass


def _parts(twin: Twin, inputs: Inputs, dtype: str, seed: int) -> Iterator[bytes]:
    settings = {
        "name": twin.name,
        "pair": twin.pair.jax.__qualname__,
        "arguments": dict(twin.arguments),
        "whole_model": twin.whole_model,
        "dtype": dtype,
        "seed": seed,
        "python": platform.python_version(),
        "versions": [version(package) for package in VERSIONS],
        "machine": [platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability()],
        "jax": [jax.default_backend(), jax.devices()[0].device_kind],
    }
    yield json.dumps(settings, sort_keys=True).encode()
    for name, array in sorted(inputs.items()):
        yield f"{name} {array.shape} {array.dtype.str}".encode()
        yield array.tobytes()
    for package in (jax_impl, torch_impl, parity_tests):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            place = path.relative_to(root)
            if place.parts[0] != "tests":
                yield f"{package.__name__}/{place.as_posix()}".encode()
                yield path.read_bytes()
