"""Rows of one's own data on their way to splits: what can be used, once, and never in two splits."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from data.errors import DataError
from data.readers.columns import Columns, is_number
from data.readers.folders import SPLITS
from data.readers.long_text import LongText, Text, is_blank
from data.readers.table import Table
from data.readers.tables import Parts
from data.sets.found import Found
from data.sets.splitting import HELD_OUT, held_out, key_of

NAMES = ("train", "validation", "test")
NUMBERS = 20  # different numbers with a fraction: more are no classes
LOST = "\ufffd"  # stands where a character was lost


class Row(NamedTuple):
    """A text with its label ("" in a corpus), the split it was named for, or "train", and its place."""

    text: Text
    label: str
    split: str
    place: str


def usable(parts: Parts, columns: Columns, found: Found) -> Iterator[Row]:
    """The rows that have a text, and a label if there is a column of them."""
    names = [name for name in columns if name]
    for part, tables in parts.items():
        for table in tables:
            for place, values in table.rows(names):
                given = dict(zip(names, values, strict=True))
                text = text_of(given[columns.text], table, place, columns)
                label = label_of(given[columns.label], table, place, columns) if columns.label else ""
                split = part or SPLITS.get(str(given.get(columns.split, "")).lower(), "train")
                where = f"{table.path.name}, {place}" if len(tables) > 1 or part else place
                if is_blank(text):
                    found.note("no text", "left out", where)
                elif label is None:
                    found.note("no label", "left out", where)
                else:
                    if LOST in text:
                        found.note("lost characters (U+FFFD)", "kept", where)
                    yield Row(text, label, split, where)


def text_of(value: Any, table: Table, place: str, columns: Columns) -> Text:
    """A text as it is; "" where there is none. Raises DataError on what is no text."""
    if value is None:
        return ""
    if isinstance(value, LongText):
        return value
    if not isinstance(value, str):
        kind = type(value).__name__
        raise DataError(
            f"{table.path}, {place}: {columns.text!r} holds {kind} {value!r:.40} where a text belongs; "
            "choose another column with --text-column."
        )
    # Half of a character, as JSON can say, is no text that a file could hold.
    return (
        value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not value.isascii() else value
    )


def label_of(value: Any, table: Table, place: str, columns: Columns) -> str | None:
    """A label by its name; None where there is none. Raises DataError on several labels in one."""
    if value is None or value != value:  # which is how tables say that a number is missing
        return None
    if isinstance(value, list | tuple | dict):
        raise DataError(
            f"{table.path}, {place}: {columns.label!r} holds {value!r:.40}; a text has one label, give a "
            "name or a number."
        )
    whole = isinstance(value, float) and value.is_integer()
    return (str(int(value)) if whole else str(value)).strip() or None


def apart(rows: Sequence[Row], found: Found) -> list[Row]:
    """The rows of which no training text is held out by name, occurs twice or has two labels."""
    keys = [key_of(row.text) for row in rows]
    held: dict[bytes, str] = {}
    for split in ("validation", "test"):  # a text that both have is the test split's
        held |= {key: split for key, row in zip(keys, rows, strict=True) if row.split == split}
    first: dict[bytes, str] = {}
    differing = {
        key for key, row in zip(keys, rows, strict=True) if row.label != first.setdefault(key, row.label)
    }
    kept, seen = [], set[bytes]()
    for key, row in zip(keys, rows, strict=True):
        if held.get(key, row.split) != row.split:
            found.note(f"in the {held[key]} split too", f"left out of {row.split}", row.place)
        elif row.split == "train" and key in differing:
            found.note("same text, other label", "left out", row.place)
        elif row.split == "train" and key in seen:
            found.note("repeated", "kept once", row.place)
        else:
            kept.append(row)
            seen.add(key)
    return kept


def splits_of(rows: Sequence[Row], path: Path) -> dict[str, list[Row]]:
    """The rows of each split; what no row is named for is held out of training.

    Raises:
        DataError: a split would have none.
    """
    splits: dict[str, list[Row]] = {name: [row for row in rows if row.split == name] for name in NAMES}
    missing = [name for name in HELD_OUT if not splits[name]]
    training = splits["train"]
    chosen = held_out([key_of(row.text) for row in training], [row.label for row in training], missing)
    for name in ("train", *missing):
        splits[name] = [row for row, split in zip(training, chosen, strict=True) if split == name]
    short = next((name for name in NAMES if not splits[name]), None)
    if short is not None:
        usable = f"{len(rows)} usable {'row' if len(rows) == 1 else 'rows'}"
        raise DataError(
            f"{path}: {usable}, too few for a {short} split; give ten or more of each class, or files named "
            "train, validation and test."
        )
    return splits


def classes_of(splits: dict[str, list[Row]], columns: Columns, path: Path) -> tuple[str, ...]:
    """The classes, numbers by their size and names by the alphabet.

    Raises:
        DataError: there is one alone, or one that training has not.
    """
    known = {row.label for row in splits["train"]}
    for split in HELD_OUT:
        unknown = Counter(row.label for row in splits[split] if row.label not in known)
        if unknown:
            name, count = unknown.most_common(1)[0]
            raise DataError(
                f"{path}: class {name!r} is in the {split} split alone ({count} rows), so nobody can learn "
                "it; give training rows of it, or take these out."
            )
    if len(known) < 2:
        raise DataError(
            f"{path}: every row has the label {known.pop()!r} in {columns.label!r}; a classifier needs two "
            "classes or more (--label-column)."
        )
    return tuple(sorted(known, key=float if all(map(is_number, known)) else None))


def refuse_no_classes(rows: Sequence[Row], columns: Columns, path: Path) -> None:
    """Raise DataError where the labels are missing, measure something, or hardly ever recur."""
    counts = Counter(row.label for row in rows)
    if not counts:
        raise DataError(
            f"{path}: no row has both a text in {columns.text!r} and a label in {columns.label!r}."
        )
    shown = ", ".join(f"{name:.20}" for name in list(counts)[:3])
    fractions = all(map(is_number, counts)) and any(not float(name).is_integer() for name in counts)
    if fractions and len(counts) > NUMBERS:
        raise DataError(
            f"{path}: {columns.label!r} holds {len(counts):,} different numbers ({shown}, ...), which "
            "measure something: put them into a few ranges, the classes, or choose --label-column."
        )
    if len(counts) > max(2, len(rows) / 2):
        raise DataError(
            f"{path}: {columns.label!r} holds {len(counts):,} different labels ({shown}, ...) in "
            f"{len(rows):,} rows, which are no classes; choose --label-column."
        )
