"""Documentation of Python's standard library, classified by package: needs no download.

An example is a paragraph of a docstring (of a module, class or function); its class is the package
it was written for. The sources are parsed, never imported. What this settles:

- A module goes to one split as a whole, so a model is tested on modules that it has not seen. The
  largest are placed first, each where most examples are missing.
- Paragraphs with a doctest, or of fewer than six words, are left out. A repeated paragraph is kept
  once; one found in two packages is left out, as its class is unclear.
- The package's own name may occur in a text: 8 % have it, and naive Bayes (68 % on the test split)
  loses less than a point when all such names are masked.
- The standard library changes, so the examples differ a little between Python versions: compare
  scores only within one.
"""

import ast
import re
import sysconfig
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np

from data.errors import DataError
from data.sets.labelled import LabelledText, Split

# Large packages that every CPython 3.11 to 3.14 installs.
PACKAGES = ("asyncio", "email", "http", "importlib", "multiprocessing", "unittest", "xml")
SHARES = {"train": 0.70, "validation": 0.15, "test": 0.15}
MIN_WORDS = 6
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache  # parsing the sources takes longer than a small model
def load(stdlib: Path | None = None) -> LabelledText:
    """Return the data set: about 2,600 examples in seven classes, split about 70 / 15 / 15.

    Args:
        stdlib: the folder of the standard library's sources; the running Python's unless given.

    Raises:
        DataError: the sources are not on disk.
    """
    texts: dict[str, list[str]] = {split: [] for split in SHARES}
    labels: dict[str, list[int]] = {split: [] for split in SHARES}
    modules = paragraphs_by_module(stdlib or Path(sysconfig.get_path("stdlib")))
    for label, package in enumerate(PACKAGES):
        members = {name: found for name, found in modules.items() if package_of(name) == package}
        placed = place({name: len(found) for name, found in members.items()})
        for name, found in members.items():
            texts[placed[name]] += found
            labels[placed[name]] += [label] * len(found)
    splits = {name: Split(tuple(texts[name]), np.array(labels[name], np.int32)) for name in SHARES}
    return LabelledText("embedded", PACKAGES, **splits)


def paragraphs_by_module(stdlib: Path) -> dict[str, list[str]]:
    """Return the paragraphs of each module of `PACKAGES`, by dotted name; none occurs twice.

    Raises:
        DataError: a package's sources are not in `stdlib`.
    """
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        files = sorted((stdlib / package).rglob("*.py"))
        if not files:
            raise DataError(
                f"no source files of {package!r} in {stdlib}: this Python keeps its library "
                "elsewhere; use a full CPython installation, or another data set."
            )
        for file in files:
            parts = file.relative_to(stdlib).with_suffix("").parts
            if "test" not in parts:  # some packages ship their tests
                found[".".join(parts)] = paragraphs_of(ast.parse(file.read_bytes(), str(file)))

    packages = defaultdict(set)
    for name, paragraphs in found.items():
        for text in paragraphs:
            packages[text.lower()].add(package_of(name))
    seen = {text for text, owners in packages.items() if len(owners) > 1}
    unique: dict[str, list[str]] = {}
    for name, paragraphs in found.items():
        unique[name] = []
        for text in paragraphs:
            if text.lower() not in seen:
                seen.add(text.lower())
                unique[name].append(text)
    return unique


def place(sizes: dict[str, int]) -> dict[str, str]:
    """Return the split of each module, given how many examples each module has."""
    missing = {split: share * sum(sizes.values()) for split, share in SHARES.items()}
    placed = {}
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        placed[name] = max(missing, key=missing.__getitem__)
        missing[placed[name]] -= sizes[name]
    return placed


def package_of(module: str) -> str:
    """Return the top-level package of a module's dotted name."""
    return module.partition(".")[0]


def paragraphs_of(tree: ast.Module) -> list[str]:
    """Return the paragraphs of a module's docstrings that are prose of `MIN_WORDS` words or more."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    docstrings = [ast.get_docstring(node) or "" for node in nodes]
    paragraphs = [part for text in docstrings for part in re.split(r"\n\s*\n", text)]
    prose = [part.split() for part in paragraphs if ">>>" not in part]
    return [" ".join(words) for words in prose if len(words) >= MIN_WORDS]
