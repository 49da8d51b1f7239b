"""Which column has the texts, which the labels, and which says the split: given, known by name, or found."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from data.errors import DataError
from data.readers.folders import SPLITS
from data.readers.table import Table

# Names in the order in which they count; capitals do not.
TEXTS: tuple[str, ...] = (
    "text",
    "texts",
    "sentence",
    "content",
    "document",
    "review",
    "comment",
    "message",
    "tweet",
    "body",
)
TEXTS += ("question", "utterance", "query", "description", "article", "story", "abstract", "title")
LABELS: tuple[str, ...] = (
    "label",
    "labels",
    "class",
    "classes",
    "category",
    "target",
    "sentiment",
    "topic",
    "intent",
    "tag",
)
LABELS += ("polarity", "rating", "stars", "emotion", "genre", "language", "y", "coarse_label")


class Columns(NamedTuple):
    """Names of columns; "" where there is none."""

    text: str
    label: str = ""
    split: str = ""

    def __str__(self) -> str:
        parts = [f"text in {self.text!r}"]
        parts += [f"label in {self.label!r}"] if self.label else []
        return ", ".join(parts + ([f"split in {self.split!r}"] if self.split else []))


def choose(table: Table, text: str | None, label: str | None, labelled: bool) -> Columns:
    """The columns to read; ``text`` and ``label`` were given or not.

    Raises:
        DataError: there is no such column, the file has no header, or several columns could be meant.
    """
    sample = table.sample()
    if not sample:
        raise DataError(f"{table.path} has no rows under its header; give it some.")
    for name, option in ((text, "--text-column"), (label, "--label-column")):
        if name is not None and name not in table.columns:
            raise DataError(
                f"{table.path} has no column {name!r} ({option}); it has {listed(table.columns)}."
            )
    if text is not None and text == label:
        raise DataError(f"{table.path}: {text!r} cannot be both text and label; give two columns.")
    values = {name: [row[n] for row in sample] for n, name in enumerate(table.columns) if name}
    if text is None or (labelled and label is None):
        refuse_no_header(table, values)
    split = next((name for name in values if name.lower() in ("split", "fold", "partition")), "")
    if split and not all(str(value).lower() in SPLITS for value in values[split]):
        split = ""
    others = [name for name in values if name not in (text, label, split)]
    if text is None:
        text = named(others, TEXTS) or longest(table, {name: values[name] for name in others})
    if not labelled:
        return Columns(text, "", split)
    others = [name for name in others if name != text]
    label = label or named(others, LABELS) or few_values(table, text, {name: values[name] for name in others})
    return Columns(text, label, split)


def refuse_no_header(table: Table, values: dict[str, list[Any]]) -> None:
    """Raise DataError where the first line is a row like the others: known names apart, a column's name is
    one of its values, a number or a sentence."""
    if any(name.lower() in (*TEXTS, *LABELS) for name in table.columns):
        return
    for name, column in values.items():
        if name in map(str, column) or is_number(name) or len(name.split()) > 4:
            shown = " | ".join(f"{one:.30}" for one in table.columns[:4])
            raise DataError(
                f"{table.path} seems to have no header: its first line is {shown!r}; put a line with the "
                "columns' names on top, such as: text,label (if these are names, give --text-column and "
                "--label-column)."
            )


def named(columns: Sequence[str], names: Sequence[str]) -> str:
    """The column with the first of these names; "" if none has any."""
    lower = {column.lower(): column for column in reversed(columns)}
    return next((lower[name] for name in names if name in lower), "")


def longest(table: Table, values: dict[str, list[Any]]) -> str:
    """The column whose texts are the longest on average."""
    lengths = {
        name: sum(len(value) for value in column if isinstance(value, str)) for name, column in values.items()
    }
    if not lengths or not max(lengths.values()):
        raise DataError(f"{table.path} has no column of texts; it has {listed(table.columns)}.")
    return max(lengths, key=lengths.__getitem__)


def few_values(table: Table, text: str, values: dict[str, list[Any]]) -> str:
    """The one column beside the text whose values recur. Raises DataError where there is none, or several."""
    recur = {}
    for name, column in values.items():
        different = len({str(value) for value in column if value not in (None, "")})
        if len(values) == 1 or 1 < different <= len(column) / 2:
            recur[name] = different
    if len(recur) == 1:
        return next(iter(recur))
    if not recur:
        raise DataError(
            f"{table.path} has no labels: beside {text!r} there is {listed(tuple(values)) or 'no column'}; "
            "a classifier needs a column of classes (--label-column)."
        )
    shown = ", ".join(f"{name!r} ({count} values)" for name, count in recur.items())
    raise DataError(f"{table.path}: which column has the labels? Give --label-column, one of {shown}.")


def is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def listed(columns: Sequence[str]) -> str:
    """At most ten names."""
    more = f" and {len(columns) - 10} more" if len(columns) > 10 else ""
    return ", ".join(repr(name) for name in columns[:10]) + more
