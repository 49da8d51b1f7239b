"""Parity checks that passed, remembered in the user's cache: the same check need not be made again."""

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pooch  # type: ignore[import-untyped]
import torch

from parity_tests.core.compare import Check, all_passed
from train import sources
from train.proof.rehearsal import EVALUATION, METRICS, WEIGHTS
from train.runs import digests
from train.runs.durable import write_json

VERSIONS = ("jax", "jaxlib", "flax", "torch", "numpy", "einops", "ml_dtypes", "scipy", "opt_einsum")
# Environment variables that change what the libraries compute, by how they begin.
PREFIXES = ("JAX_", "XLA_", "LIBTPU_", "TF_", "TORCH", "PYTORCH_", "OMP_", "MKL_", "ONEDNN_", "ATEN_", "CU")
# JAX's settings of where compiled programs lie, and which: the key of each is all that it was compiled of.
COMPILED = ("compilation_cache", "persistent_cache")


def folder() -> Path:
    """Where the passing checks lie, one file each."""
    return Path(pooch.os_cache("twinformer")) / "parity"


def digest(question: Mapping[str, Any], arrays: Iterable[np.ndarray]) -> str | None:
    """One name for all that decides how a check ends: code, settings, arrays, libraries, machine.

    ``question`` is anything that JSON can hold. None where it is not known of which sources the code is.
    """
    code = sources.imported()
    if code is None:
        return None
    total = sha256(digests.of_json([question, code, libraries(), machine()]).encode())
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
    """Versions, and every setting of JAX and PyTorch that can change a number."""
    return {
        "python": platform.python_version(),
        "versions": {package: version(package) for package in VERSIONS},
        "jax": {name: repr(getattr(jax.config, name, None)) for name in settings(jax.config.values)},
        "torch": {
            "build": torch.__config__.show(),
            "threads": [torch.get_num_threads(), torch.get_num_interop_threads()],
            "deterministic": [
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
                torch.backends.cudnn.deterministic,
                torch.backends.cudnn.benchmark,
            ],
            "matmul": [
                torch.get_float32_matmul_precision(),
                torch.backends.cuda.matmul.allow_tf32,
                torch.backends.cudnn.allow_tf32,
                torch.backends.mkldnn.enabled,
            ],
            "dtype": str(torch.get_default_dtype()),
            "device": str(torch.get_default_device()),
        },
        "environment": {name: os.environ[name] for name in settings(os.environ) if name.startswith(PREFIXES)},
    }


def settings(names: Iterable[str]) -> list[str]:
    """Those that can change a number, in order."""
    return sorted(name for name in names if not any(one in name.lower() for one in COMPILED))


def machine() -> dict[str, Any]:
    """The processor and the devices."""
    cards = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    return {
        "machine": [platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability()],
        "jax": [jax.default_backend(), *(device.device_kind for device in jax.devices())],
        "torch": cards,
    }
