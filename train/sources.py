"""The sources of our packages as this process imported them: what was checked is what ran.

A file that is saved while a run starts is not the one that was imported, and a compiled leftover can be of
another source. So our packages are compiled from their sources, and the digest of what was compiled is kept.
"""

import hashlib
import importlib.abc
import sys
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

OURS = ("jax_impl", "torch_impl", "parity_tests", "train", "data")
_digests: dict[str, str] = {}


class _Finder(importlib.abc.MetaPathFinder):
    """Takes what the other finders find; our modules are compiled here."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if not _ours(name):
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            vars(spec.loader)["get_code"] = partial(_compiled, spec.loader)
        return spec


def _compiled(loader: SourceFileLoader, name: str) -> CodeType:
    path = loader.get_filename(name)
    source = loader.get_data(path)
    _digests[name] = hashlib.sha256(source).hexdigest()
    return loader.source_to_code(source, path)


def record() -> None:
    """Keep the digests of what is imported from here on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def imported() -> dict[str, str] | None:
    """The digest of each module of ours that is loaded, by name.

    None where one was loaded before `record`, so that nobody knows of which source it is.
    """
    known = {name: _digests.get(name) for name in sorted(sys.modules) if _ours(name)}
    return known if all(known.values()) else None  # type: ignore[return-value]


def whole() -> dict[str, str] | None:
    """The digest of every module of our packages: of one that is not imported, as its file is now.

    None where `imported` is.
    """
    known = imported()
    return None if known is None else {**_on_disk(), **known}


def _on_disk() -> dict[str, str]:
    """The digests of the files that would be imported, by module."""
    found = {}
    for package in OURS:
        spec = PathFinder.find_spec(package)
        for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
            for path in folder.rglob("*.py"):
                name = ".".join((package, *path.relative_to(folder).with_suffix("").parts))
                if _ours(name := name.removesuffix(".__init__")):
                    found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _ours(name: str) -> bool:
    """Whether a module is ours, and can change a number: neither a test nor what is needed to get here."""
    return name.partition(".")[0] in OURS and ".tests" not in name and name not in ("train", __name__)
