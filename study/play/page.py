"""The multiverse, and a text after several openings, as HTML files that need nothing else."""

from pathlib import Path
from typing import Any

from study.page import render
from study.play.growth import Growth
from study.play.language import Language
from study.play.multiverse import Node, masses, to_json
from study.play.openings import Openings
from study.record import record
from train.config import Framework
from train.runs.durable import write, write_json

FOLDER = Path(__file__).parent


def multiverse_page(root: Node, language: Language, prompt: str, growth: Growth, framework: Framework) -> str:
    """A tree: branches that open, close and can be pruned; a click reads one."""
    known: dict[str, Any] = {
        "prompt": prompt,
        "most_entropy": max(node.entropy or 0.0 for node in root.walk()),
        "root": to_json(root, language),
    }
    words = {name: str(value) for name, value in vars(growth).items()}
    return render(FOLDER / "multiverse.html.jinja", known, prompt=prompt, framework=framework, **words)


def openings_page(found: Openings, framework: Framework) -> str:
    """A text whose words show after which opening they are likelier."""
    text = " ".join(found.words)
    return render(FOLDER / "openings.html.jinja", found.to_json(), text=text, framework=framework)


def write_multiverse(
    out: Path | None, root: Node, language: Language, prompt: str, growth: Growth, framework: Framework
) -> None:
    """The page, or the tree as JSON, by how the file's name ends; None is no file."""
    kept, pruned = masses(root)

    def page_or_json(path: Path) -> None:
        if path.suffix.lower() == ".html":
            path.write_text(multiverse_page(root, language, prompt, growth, framework), "utf-8")
        else:
            sums = {"leaves": kept, "pruned": pruned}
            write_json(
                path,
                record(
                    prompt=prompt, framework=framework, **vars(growth), **sums, root=to_json(root, language)
                ),
            )

    write(out, page_or_json)


def write_openings(out: Path | None, found: Openings, framework: Framework) -> None:
    """The page, or the figures as JSON, by how the file's name ends; None is no file."""

    def page_or_json(path: Path) -> None:
        if path.suffix.lower() == ".html":
            path.write_text(openings_page(found, framework), "utf-8")
        else:
            write_json(path, record(framework=framework, **found.to_json()))

    write(out, page_or_json)
