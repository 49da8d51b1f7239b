"""Tables as a user may have them: reviews, news, and docstrings by the library that they are from."""

import ast
import csv
import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import data
from data.sets.embedded import paragraphs_of
from data.sets.labelled import LabelledText
from data.sets.rows import NAMES

LIBRARIES = ("flax", "jax", "matplotlib", "numpy", "optax", "rich", "scipy", "torch")  # installed with ours
MOST = 1000  # paragraphs of a library
TRAINED, HELD_OUT, TESTED = 1200, 150, 2000  # rows of a table that is small to train on, and well tested

Row = Sequence[str]


def write(name: str, path: Path) -> None:
    """One of `TABLES`, the rows in an order that is drawn."""
    rows = TABLES[name]()
    random.Random(0).shuffle(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label", "split")[: len(rows[0])], *rows])


def everything(found: LabelledText) -> list[Row]:
    """All texts of a data set with their classes."""
    return [row for name in NAMES for row in of_split(found, name)]


def of_split(found: LabelledText, name: str) -> list[Row]:
    """The texts of one of its splits."""
    split = getattr(found, name)
    labelled = zip(split.texts, split.labels.tolist(), strict=True)
    return [(text, found.classes[label]) for text, label in labelled]


def few(found: LabelledText, number: int) -> list[Row]:
    """A small table, none of whose rows another number has."""
    rows = everything(found)
    random.Random(1).shuffle(rows)
    splits = ["train"] * TRAINED + ["validation"] * HELD_OUT + ["test"] * TESTED
    part = rows[number * len(splits) :][: len(splits)]
    return [(*row, split) for row, split in zip(part, splits, strict=True)]


def packages() -> list[Row]:
    """Docstrings of Python's own, in the splits that they have: no module is in two."""
    found = data.load("embedded")
    return [(*row, name) for name in NAMES for row in of_split(found, name)]


def docstrings() -> list[Row]:
    """Paragraphs of docstrings, of each of `LIBRARIES` as many at most."""
    rows: list[Row] = []
    for name in LIBRARIES:
        spec = find_spec(name)
        assert spec is not None and spec.submodule_search_locations
        files = sorted(Path(spec.submodule_search_locations[0]).rglob("*.py"))
        found = {text for file in files for text in paragraphs_in(file)}
        chosen = random.Random(2).sample(sorted(found), min(MOST, len(found)))
        rows += [(text, name) for text in chosen]
    return rows


def paragraphs_in(file: Path) -> list[str]:
    """Of a module's docstrings; none of one that is written for a newer Python."""
    try:
        return paragraphs_of(ast.parse(file.read_bytes(), str(file)))
    except SyntaxError:
        return []


TABLES: dict[str, Callable[[], list[Row]]] = {
    "film reviews": lambda: everything(data.load("polarity")),
    "film reviews, few": lambda: few(data.load("polarity"), 0),
    "film reviews, other few": lambda: few(data.load("polarity"), 1),
    "news by topic, few": lambda: few(data.load("ag_news_10k"), 0),
    "news by topic, other few": lambda: few(data.load("ag_news_10k"), 1),
    "docstrings by package, of other modules than those trained on": packages,
    "docstrings by library": docstrings,
}
