"""Questions and answers, each with a name of its own that stays when its words change."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from parity_tests.twins.defects import DEFECTS
from study.shapes.atlas import atlas, turned
from study.shapes.subject import find
from study.shapes.table import listed, shape
from torch_impl.convert.table import TABLE

# Where pages lie: in an installed package beside this file, in the repository among the docs.
PLACES = (Path(__file__).parent, Path(__file__).parents[2] / "docs")
SECTION = re.compile(r"^## (.+\?)\n\n((?:(?!## |```|\|).+\n)+)", re.MULTILINE)
TRACED = ("multi_head", "cross_attention", "block_pre", "gpt", "bert_for_masked_lm", "encoder_decoder")
LAYER = re.compile(r"^(.*\.)(\d+)(?=/)")


class Note(NamedTuple):
    """One card."""

    name: str
    """What it is about; the same in every version, so that a card is updated and not doubled."""
    question: str
    answer: str
    kind: str
    """shapes, layouts, mistakes, words or questions."""


def notes() -> list[Note]:
    """All of them, in the order in which they are learned. Raises ValueError where two have one name."""
    found = [*words(), *shapes(), *layouts(), *mistakes(), *questions()]
    names = [note.name for note in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two cards are called {sorted(twice)[0]}")
    return found


def words() -> Iterator[Note]:
    """The glossary: a term and what it means."""
    for line in _page("glossary.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| **") and not line.startswith("| `"):
            continue
        term = re.sub(r"[*`]", "", cells[0])
        meaning = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", cells[1])
        kind = "axis" if line.startswith("| `") else "term"
        question = f"The axis {term}: of what?" if kind == "axis" else f"What is meant by “{term}”?"
        yield Note(f"{kind}: {term}", question, re.sub(r"[*`]", "", meaning), "words")


def shapes() -> Iterator[Note]:
    """Each kind of tap once a model: its axes, and what comes of them."""
    for name in TRACED:
        seen = set()
        for row in atlas(find(name, None, None, {}), xla=False).taps:
            place = LAYER.sub(r"\1#", row.name)
            if place in seen or not row.axes:
                continue
            seen.add(place)
            sizes = listed(sorted(row.sizes.items()))
            yield Note(
                f"shape: {name}: {place}",
                f"In a {name.replace('_', ' ')}: which axes has {place}, and which shape with {sizes}?",
                f"({' '.join(row.axes)}), so {shape(row.jax)} in JAX and {shape(row.torch)} in PyTorch",
                "shapes",
            )


def layouts() -> Iterator[Note]:
    """Each row of the converter's table: Flax's layout and PyTorch's."""
    for row in TABLE:
        left, right = row.layout("flax"), row.layout("torch")
        same = "the axes in the same order"
        why = "transposed, since its Linear computes x (Wᵀ)ᵀ" if turned(str(row.axes)) else same
        yield Note(
            f"layout: {row.flax}",
            f"Flax keeps {row.flax} as ({left}). How does PyTorch keep {row.torch}?",
            f"as ({right}): {why}",
            "layouts",
        )


def mistakes() -> Iterator[Note]:
    """Each defect that people make: where it shows first."""
    for defect in DEFECTS:
        yield Note(
            f"mistake: {defect.name}",
            f"A transformer is rewritten with this mistake: {defect.name}. Where do the two part first?",
            f"at {defect.located}" + (", with the dropout on" if defect.in_training else ""),
            "mistakes",
        )


def questions() -> Iterator[Note]:
    """What the experiments asked, and the paragraph that answers it."""
    for question, answer in SECTION.findall(_page("questions.md")):
        yield Note(f"question: {question}", question, " ".join(answer.split()), "questions")


def _page(name: str) -> str:
    place = next((place for place in PLACES if (place / name).is_file()), PLACES[0])
    return (place / name).read_text("utf-8")
