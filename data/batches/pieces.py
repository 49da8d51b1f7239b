"""Long documents in pieces, so that tokenizing one takes no more memory than tokenizing many short ones."""

import re
from collections.abc import Iterator
from typing import NamedTuple

PIECE = 2**18  # characters, and what follows up to the next place to cut
# Before one space, or else one line's end, between two words: there GPT-2's and BERT's rules cut as well, so
# that the tokens are those of the whole.
PLACES = (re.compile(r"(?<=\S) (?=\S)"), re.compile(r"(?<=\S)\n(?=\S)"))


class Piece(NamedTuple):
    """A part of a document of a split."""

    split: str
    text: str
    last: bool


def pieces(split: str, text: str) -> Iterator[Piece]:
    """A document as pieces of about `PIECE` characters; one that has no place to cut stays whole."""
    begin = 0
    while (end := _place(text, begin + PIECE)) is not None:
        yield Piece(split, text[begin:end], False)
        begin = end
    yield Piece(split, text[begin:], True)


def _place(text: str, start: int) -> int | None:
    found = (place.search(text, start, start + PIECE) for place in PLACES)
    return next((one.start() for one in found if one), None)


def size(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())
