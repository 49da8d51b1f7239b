"""Long documents in pieces, so that tokenizing one takes no more memory than tokenizing many short ones."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from data.readers.long_text import Text, parts_of

PIECE = 2**18  # characters, and what follows up to the next place to cut
# Before one space, or else one line's end, between two words, or else the last of several ends of lines:
# there GPT-2's and BERT's rules cut as well, so that the tokens are those of the whole.
PLACES = (re.compile(r"(?<=\S) (?=\S)"), re.compile(r"(?<=\S)\n(?=\S)"), re.compile(r"\n(?=\S)"))


class Piece(NamedTuple):
    """A part of a document of a split."""

    split: str
    text: str
    last: bool


def pieces(split: str, text: Text) -> Iterator[Piece]:
    """A document as pieces of about `PIECE` characters; more where it has no place to cut.

    They do not depend on the parts that it is read in: a place is looked for among as many characters.
    """
    held, start = "", PIECE
    for part in chain(parts_of(text), (None,)):
        held += part or ""
        begin, ahead = 0, 0 if part is None else PIECE
        while len(held) > start + ahead:
            end = _place(held, start)
            if end is None:
                start += PIECE
            else:
                yield Piece(split, held[begin:end], False)
                begin, start = end, end + PIECE
        held, start = held[begin:], start - begin
    yield Piece(split, held, True)


def _place(text: str, start: int) -> int | None:
    """Where to cut from ``start`` on: before one of the next `PIECE` characters."""
    found = (place.search(text, start, start + PIECE + 1) for place in PLACES)
    return next((one.start() for one in found if one), None)


def size(text: Text) -> int:
    """Bytes of a text in UTF-8."""
    if isinstance(text, str):
        return len(text) if text.isascii() else len(text.encode())
    return sum(map(size, text))
