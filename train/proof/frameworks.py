"""What a framework says of itself: its settings and devices, all of them that can change a number.

Importing one takes seconds. Until it is imported, what it said in a process like this one stands for it.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable
from glob import glob
from hashlib import sha256
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from train.runs import digests
from train.runs.durable import write_json

# Environment variables that change what the libraries compute, by how they begin.
PREFIXES = ("JAX_", "XLA_", "LIBTPU_", "TF_", "TORCH", "PYTORCH_", "OMP_", "MKL_", "ONEDNN_", "ATEN_", "CU")
# Settings that change no number: where compiled programs lie, and which (the key of each is all that it was
# compiled of); and how much is logged. Some of them the frameworks set themselves when they are imported.
SILENT = ("cache_dir", "compilation_cache", "persistent_cache", "log_level")
DEVICES = ("/dev/nvidia*", "/dev/kfd", "/dev/dri/*", "/dev/accel*", "/dev/vfio/*")
PROCESSOR = ("flags", "Features", "model name")  # lines of /proc/cpuinfo


def said(name: str, folder: Path) -> dict[str, Any] | None:
    """What "jax" or "torch" says; where it is not imported, what it said; None where that is not known."""
    if name in sys.modules:
        return SAYS[name]()
    try:
        fields = json.loads(_path(name, folder).read_bytes())
        return fields["said"] if digests.is_sealed(fields) and fields["name"] == name else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def introduce(folder: Path) -> None:
    """Import both. One that was not imported is as it comes: what it says is kept."""
    for name, says in SAYS.items():
        if name not in sys.modules:
            import_module(name)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                write_json(_path(name, folder), digests.sealed({"name": name, "said": says()}))
            except OSError:  # a cache that cannot be written is as good as none
                pass


def _path(name: str, folder: Path) -> Path:
    """The file of what a framework says in such a process. Raises OSError where that cannot be told."""
    return folder / f"{name}-{digests.of_json(surroundings(name))}.json"


def surroundings(name: str) -> list[Any]:
    """All outside of this process that a framework's first words follow from.

    Raises OSError where the framework was not installed with a list of its files.
    """
    try:
        found = distribution(name)
        files = found.read_text("RECORD")
    except PackageNotFoundError:
        files = None
    if files is None:
        raise OSError(f"nobody knows which files are {name}'s")
    installed = sorted(
        entry for entry in os.listdir(str(found.locate_file(""))) if entry.endswith(".dist-info")
    )
    return [
        sha256(files.encode()).hexdigest(),
        installed,
        sys.version,
        platform.platform(),
        _processor(),
        [os.cpu_count(), len(getattr(os, "sched_getaffinity", lambda _: ())(0))],
        [sorted(glob(pattern)) for pattern in DEVICES],
        [Path(path).read_text("utf-8") for path in sorted(glob("/proc/driver/nvidia/gpus/*/information"))],
        environment(),
    ]


def environment() -> dict[str, str]:
    """The variables that can change a number."""
    return {name: os.environ[name] for name in settings(os.environ) if name.startswith(PREFIXES)}


def settings(names: Iterable[str]) -> list[str]:
    """Those that can change a number, in order."""
    return sorted(name for name in names if not any(one in name.lower() for one in SILENT))


def _processor() -> list[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return [platform.processor()]
    return sorted({line for line in lines if line.startswith(PROCESSOR)})


def _jax() -> dict[str, Any]:
    import jax

    return {
        "settings": {name: repr(getattr(jax.config, name, None)) for name in settings(jax.config.values)},
        "devices": [jax.default_backend(), *(device.device_kind for device in jax.devices())],
    }


def _torch() -> dict[str, Any]:
    import torch

    return {
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
        "processor": torch.backends.cpu.get_cpu_capability(),
        "cards": [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())],
    }


SAYS: dict[str, Callable[[], dict[str, Any]]] = {"jax": _jax, "torch": _torch}
