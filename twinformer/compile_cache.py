"""Compiled programs are kept on disk: the second start of a command loads what the first one compiled.

It is JAX's own persistent cache, whose key holds the program, jaxlib's version, the compiler's options and
the processor's features. How an entry is written belongs to JAX, so that each version has a folder.
"""

import os
import sys
import warnings
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import platformdirs

FOLDER = "JAX_COMPILATION_CACHE_DIR"
SETTINGS = {
    "JAX_COMPILATION_CACHE_MAX_SIZE": str(256 * 2**20),  # bytes; what was used longest ago goes first
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",  # a start compiles hundreds of small programs
}
SAID = " persistent compilation cache entry for "  # by JAX, of each program that it cannot load or keep


def folder() -> Path:
    """Where the programs lie, unless the user's environment says it. Raises PackageNotFoundError."""
    return Path(platformdirs.user_cache_dir("twinformer")) / "compiled" / f"jax-{version('jax')}"


def keep() -> None:
    """Tell JAX, before it is imported. A folder in the user's environment is the user's: nothing changes.

    Ours is there in a process that this one started.
    """
    with suppress(PackageNotFoundError):  # no JAX, no programs
        if os.environ.setdefault(FOLDER, str(folder())) == str(folder()):
            for name, value in SETTINGS.items():
                os.environ.setdefault(name, value)
            warnings.filterwarnings("ignore", "Cache value for key .* exceeds")  # it is not kept: no harm
            drop_unfinished(folder())
            tell_once(folder())


def drop_unfinished(place: Path) -> None:
    """Remove what a process wrote that died, or whose disk was full: JAX would meet it again at each start.

    An entry's time is written after the entry.
    """
    with suppress(OSError):
        for entry in place.glob("*-cache"):
            if not entry.with_name(f"{entry.name.removesuffix('-cache')}-atime").exists():
                entry.unlink(missing_ok=True)


def tell_once(place: Path) -> None:
    """A program that cannot be loaded or kept is compiled: one line says so, not a warning for each."""
    show, told = warnings.showwarning, False

    def shown(message: Warning | str, *rest: Any) -> None:
        nonlocal told
        _, found, about = str(message).partition(SAID)
        if not found:
            show(message, *rest)
        elif not told:
            told = True
            print(line(place, about), file=sys.stderr)

    warnings.showwarning = shown  # type: ignore[assignment]


def line(place: Path, about: str) -> str:
    """What to say; ``about`` is a program's name and the error."""
    reason = " ".join(about.split(": ", 1)[-1].split())
    return (
        f"twinformer: compiled programs cannot all be kept in {place} ({reason}); the command goes on and "
        "compiles. Delete the folder, or set JAX_ENABLE_COMPILATION_CACHE=0"
    )
