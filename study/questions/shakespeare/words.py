"""A text in words and what lies between them: joined again, the pieces are the text."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from data.baselines.ngram import KneserNey
from data.batches.windows import Stream, Windows, cut

UNKNOWN = 0  # the token of all words that are too rare
OFTEN = 5  # how often a piece must occur in the training split to be a token
BOUNDARY = re.compile(r"\b")
ORDERS, LETTERS, END = (3, 4, 5, 6, 7), 257, 256  # of the model that spells: bytes, and the end of a word


def pieces(text: str) -> list[str]:
    """Words, and what is between two of them."""
    return [piece for piece in BOUNDARY.split(text) if piece]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The pieces that occur often, after the unknown one; and a model that spells the others."""

    words: tuple[str, ...]
    speller: KneserNey

    def __len__(self) -> int:
        return 1 + len(self.words)

    def ids(self, split: Sequence[str]) -> Int32[np.ndarray, " token"]:
        """The pieces' numbers."""
        numbers = {word: number for number, word in enumerate(self.words, UNKNOWN + 1)}
        return np.array([numbers.get(piece, UNKNOWN) for piece in split], np.int32)

    def text(self, ids: Sequence[int]) -> str:
        """The pieces joined; an unknown one is "…"."""
        return "".join("…" if number == UNKNOWN else self.words[number - 1] for number in ids)

    def spelling(self, split: Sequence[str]) -> float:
        """What all unknown pieces cost in nats, spelled byte by byte, each with its end."""
        rare = [piece for piece, number in zip(split, self.ids(split), strict=True) if number == UNKNOWN]
        return float(self.speller.nats(_spelled(rare))[1:].sum()) if rare else 0.0


def vocabulary(split: Sequence[str], validation: Sequence[str]) -> Vocabulary:
    """Of the training split's pieces, the commonest first. All of them, each once, teach how words are
    spelled, by the order that spells the validation split's unknown words best."""
    counts = Counter(split)
    words = tuple(word for word, count in counts.most_common() if count >= OFTEN)
    spelled = _spelled([*counts])
    orders = [order for order in ORDERS if order <= len(spelled)]
    tried = [Vocabulary(words, KneserNey(spelled, LETTERS, order)) for order in orders]
    return min(tried, key=lambda known: known.spelling(validation))


def windows(split: Sequence[str], known: Vocabulary, positions: int) -> Windows:
    """Windows that do not overlap, as many as the pieces fill."""
    sizes = np.array([len(piece.encode()) for piece in split], np.int32)
    return cut(Stream(known.ids(split), sizes), positions)


def _spelled(words: Sequence[str]) -> Int32[np.ndarray, " byte"]:
    """All words one after the other, an end before the first and after each."""
    return np.array([END, *(byte for word in words for byte in (*word.encode(), END))], np.int32)
