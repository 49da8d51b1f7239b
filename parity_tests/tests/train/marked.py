"""Texts that say which split they are of, and how to find that out again from token ids.

Each text begins with its name: a word of its split alone, and its number in letters. All splits are written
in the same letters, so that a tokenizer of one can spell the others, but has no token for their marks.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from data import Corpus, LabelledText, Split

MARKS = {"train": "sato", "validation": "tosa", "test": "otas"}
CLASSES = ("north", "east", "south")
# Numbers of texts and their classes, in turn: no two splits alike, and no class as often as another.
SIZES = {"train": 48, "validation": 40, "test": 44}
LABELS = {"train": (0, 0, 1, 0, 2, 0), "validation": (1, 1, 2, 1), "test": (2, 0, 2, 1, 2, 2, 1)}
LETTERS = "aeio"
FILLER = (
    "the",
    "sea",
    "is",
    "at",
    "rest",
    "in",
    "the",
    "heat",
    "of",
    "the",
    "noon",
    "and",
    "no",
    "one",
    "has",
    "it",
)


def name_of(split: str, number: int) -> str:
    """The first word of a text."""
    return MARKS[split] + "".join(LETTERS[number // 4**place % 4] for place in (2, 1, 0))


def names(split: str) -> list[str]:
    """Of all texts, in their order."""
    return [name_of(split, number) for number in range(SIZES[split])]


def labels(split: str) -> np.ndarray:
    return np.resize(np.array(LABELS[split], np.int32), SIZES[split])


def text(split: str, number: int) -> str:
    """Its name, its mark again, its class, and 3 to 9 words more."""
    words = [FILLER[(number + place) % len(FILLER)] for place in range(3 + number % 7)]
    return " ".join([name_of(split, number), MARKS[split], CLASSES[labels(split)[number]], *words])


def texts(split: str) -> tuple[str, ...]:
    return tuple(text(split, number) for number in range(SIZES[split]))


def labelled(data_dir: Path | None = None) -> LabelledText:
    return LabelledText("marked", CLASSES, *(Split(texts(split), labels(split)) for split in MARKS))


def corpus(data_dir: Path | None = None) -> Corpus:
    return Corpus("marked", *map(texts, MARKS))


def splits_in(written: str) -> set[str]:
    """The splits whose marks occur in a text."""
    return {split for split, mark in MARKS.items() if re.search(rf"\b{mark}", written)}


def names_in(written: str) -> list[str]:
    """The names in a text, in their order."""
    return re.findall(rf"\b(?:{'|'.join(MARKS.values())})[{LETTERS}]{{3}}\b", written)


def reader(tokenizer: Tokenizer) -> Callable[[np.ndarray], str]:
    """From token ids, of any axes, to the text that they stand for, with a space for special tokens."""

    def read(ids: np.ndarray) -> str:
        written = tokenizer.decode(np.ravel(ids).tolist(), skip_special_tokens=False)
        return " ".join(re.sub(r"\[[A-Z]+\]|<\|endoftext\|>", " ", written).split())

    return read
