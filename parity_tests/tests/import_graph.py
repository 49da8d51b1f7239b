"""The graph of the project's own imports, read off the sources: `python -m parity_tests.tests.import_graph`.

Modules have their dotted names; the tests are left out. What is imported by a name that is computed
(`import_module`) is not seen.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Those that are not there have no modules.
PACKAGES = ("twinformer", "study", "benchmarks", "train", "parity_tests", "jax_impl", "torch_impl", "data")


@dataclass(frozen=True)
class Import:
    """A dotted name that a module imports; ``early`` where that happens as the module is imported itself."""

    name: str
    early: bool


def sources(root: Path = ROOT) -> dict[str, Path]:
    """The files by module."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if "tests" not in parts:
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def imports(source: str) -> frozenset[Import]:
    """All imports of a source, also within functions. ``from a import b`` has the name "a.b"."""
    return frozenset(_imports(ast.parse(source), early=True))


def _imports(node: ast.AST, early: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, early) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        yield from (Import(f"{node.module}.{alias.name}", early) for alias in node.names)
    else:
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        later = later or (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, early and not later)


def module_graph(files: dict[str, Path], early: bool = False) -> dict[str, set[str]]:
    """The project's modules that each of them imports; with ``early``, only at import."""
    return {
        module: {
            target
            for found in imports(path.read_text("utf-8"))
            if (target := module_of(found.name, files)) and (found.early or not early)
        }
        for module, path in files.items()
    }


def module_of(name: str, files: dict[str, Path]) -> str | None:
    """The module that an imported name is, or lies in; None where that is not the project's."""
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name or None


def folder_graph(files: dict[str, Path], depth: int = 2) -> list[str]:
    """The arrows between folders as lines, "train.runs -> data, train"; with depth 1 between packages."""

    def folder(module: str) -> str:
        parts = module.split(".") if files[module].stem == "__init__" else module.split(".")[:-1]
        return ".".join(parts[:depth])

    arrows: dict[str, set[str]] = {}
    for module, targets in module_graph(files).items():
        arrows.setdefault(folder(module), set()).update(map(folder, targets))
    return [f"{name} -> {', '.join(sorted(to - {name})) or 'nothing'}" for name, to in sorted(arrows.items())]


if __name__ == "__main__":
    print("\n".join(folder_graph(sources())))
