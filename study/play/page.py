"""The multiverse, and a text after several openings, as HTML files that need nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from study.page import render
from study.play.openings import Openings
from study.play.tree import Tree
from study.record import record
from train.config import Framework
from train.runs.durable import write, write_json

FOLDER = Path(__file__).parent


def multiverse_page(tree: Tree, framework: Framework) -> str:
    """A tree: branches that open, close and can be pruned; a click reads one."""
    known = tree.to_json() | {"most_entropy": max(node.entropy or 0.0 for node in tree.root.walk())}
    words = {name: str(value) for name, value in vars(tree.growth).items()}
    return render(FOLDER / "multiverse.html.jinja", known, prompt=tree.prompt, framework=framework, **words)


def openings_page(found: Openings, framework: Framework) -> str:
    """A text whose words show after which opening they are likelier."""
    text = " ".join(found.words)
    return render(FOLDER / "openings.html.jinja", found.to_json(), text=text, framework=framework)


def write_multiverse(out: Path | None, tree: Tree, framework: Framework) -> None:
    """The page, or the tree as JSON, by how the file's name ends; None is no file."""
    _write(out, lambda: multiverse_page(tree, framework), tree.to_json, framework)


def write_openings(out: Path | None, found: Openings, framework: Framework) -> None:
    """The page, or the figures as JSON, by how the file's name ends; None is no file."""
    _write(out, lambda: openings_page(found, framework), found.to_json, framework)


def _write(
    out: Path | None, page: Callable[[], str], figures: Callable[[], dict[str, Any]], framework: Framework
) -> None:
    def page_or_json(path: Path) -> None:
        if path.suffix.lower() == ".html":
            path.write_text(page(), "utf-8")
        else:
            write_json(path, record(framework=framework, **figures()))

    write(out, page_or_json)
