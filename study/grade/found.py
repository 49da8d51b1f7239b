"""The learner's own function or class in a file, found by what it is called."""

import ast
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from study.grade.errors import GradeError
from study.grade.names import plain

PACKAGES = {"jax": ("jax", "flax", "equinox"), "torch": ("torch",)}


def frameworks(source: str) -> list[str]:
    """Those that a file imports. Raises SyntaxError."""
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    return [name for name, packages in PACKAGES.items() if imported & set(packages)]


def defined(source: str) -> dict[str, bool]:
    """Names of the classes and functions of a file in order, and whether each is a class."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    body = [node for node in ast.parse(source).body if isinstance(node, kinds)]
    return {node.name: isinstance(node, ast.ClassDef) for node in body if not node.name.startswith("_")}


def named_like(names: Iterable[str], aliases: Iterable[str]) -> str | None:
    """The name that is an alias, or else contains one, by the aliases' order; of several the last that is
    defined.
    """
    names = list(names)[::-1]
    for alias in aliases:
        if same := [name for name in names if plain(name) == alias]:
            return same[0]
    for alias in aliases:
        if containing := [name for name in names if alias in plain(name)]:
            return containing[0]
    return None


def choose(source: str, aliases: Iterable[str], part: str, wanted: str | None) -> str:
    """Which of a file's classes and functions is graded: the only one, or that which is called as the part
    is.

    Raises GradeError with those that there are.
    """
    names = [name for name in defined(source) if not name.startswith("init")]
    if wanted is not None:
        if wanted not in names:
            raise GradeError(f"name={wanted}: the file defines {', '.join(names) or 'nothing'}")
        return wanted
    found = names[0] if len(names) == 1 else named_like(names, aliases)
    if found is None:
        raise GradeError(
            f"the file defines {', '.join(names) or 'no class and no function'}, and none is called like "
            f"{part}: rename it, or choose with --name"
        )
    return found


def member(module: ModuleType, name: str) -> Any:
    """What the file has under a name once it has run. Raises GradeError where it is gone or cannot be
    called.
    """
    found = getattr(module, name, None)
    if not callable(found):
        raise GradeError(
            f"{name} is {type(found).__name__} once the file has run: leave it a function or a class"
        )
    return found


def read(path: Path) -> str:
    """A file's text. Raises GradeError on what is no Python text."""
    if path.stat().st_size > 1 << 20:
        raise GradeError(f"{path} has more than a megabyte: is it the right file?")
    try:
        source = path.read_bytes().decode("utf-8")
        ast.parse(source)
    except UnicodeDecodeError as error:
        raise GradeError(f"{path} is no text in UTF-8: save it as such") from error
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise GradeError(f"{path}{line}: {error.msg}; Python cannot read it") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise GradeError(f"{path}: {error}; Python cannot read it") from error
    return source
