"""A text's log-probability under different openings, and the words that decide between them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import data
from study.play.language import Language
from study.play.log_probs import Scored, log_probs
from train.config import ConfigError
from train.runs.load import Run

DECIDE = 0.5  # of what words differ by, all together: the fewest that make up this share decide


@dataclass(frozen=True, eq=False)
class Openings:
    """What one text costs after each of several others. A word's figure is the sum of its tokens'."""

    openings: tuple[str, ...]
    words: tuple[str, ...]
    log_probs: Float[np.ndarray, "opening word"]
    """log P(word | opening, all words before), in nats; they add up to the text's."""

    @property
    def totals(self) -> Float[np.ndarray, "opening"]:
        """log P(text | opening), in nats."""
        return self.log_probs.sum(axis=1)

    def differences(self, opening: int) -> Float[np.ndarray, "word"]:
        """By how many nats each word is likelier after this opening than after the first."""
        return self.log_probs[opening] - self.log_probs[0]

    def deciding(self, opening: int) -> list[int]:
        """The fewest words that make up half of what all differ by, the most decisive first."""
        size = np.abs(self.differences(opening))
        order = np.argsort(-size, kind="stable")
        enough = np.cumsum(size[order]) >= DECIDE * size.sum()
        return order[: int(enough.argmax()) + 1].tolist() if size.any() else []

    def to_json(self) -> dict[str, Any]:
        return {
            "openings": self.openings,
            "words": self.words,
            "log_probs": self.log_probs.tolist(),
            "totals": self.totals.tolist(),
            "deciding": [self.deciding(number) for number in range(len(self.openings))],
        }


def joined(language: Language, text: str, openings: Sequence[str]) -> list[Scored]:
    """The text's tokens after each opening, with a space between: the same tokens each time.

    Raises ConfigError on a text that is too long after one of them, and where nothing stands before it.
    """
    (tokens,), found = language.encode([f" {text.strip()}"]), []
    for opening, before in zip(openings, language.prompts([one.strip() for one in openings]), strict=True):
        if len(before) + len(tokens) > language.positions + 1:
            raise ConfigError(
                f"under={opening!r}: {len(before)} tokens, and {len(tokens)} of the text; the model has "
                f"{language.positions} positions: shorten one of them"
            )
        found.append(Scored(before, tokens))
    return found


def score(run: Run, language: Language, text: str, openings: Sequence[str]) -> Openings:
    """The text's log-probability after each opening, word by word. Raises what `joined` raises."""
    each = log_probs(run, joined(language, text, openings))
    words, places = words_of(language, text.strip())
    sums = np.stack([np.bincount(places, row, len(words)) for row in each])
    return Openings(tuple(openings), tuple(words), sums)


def words_of(language: Language, text: str) -> tuple[list[str], Int[np.ndarray, "token"]]:
    """A text's words, and for each of its tokens the word in which the token ends."""
    (encoding,) = data.encode_as_text(language.tokenizer, [f" {text}"])
    words = [*re.finditer(r"\S+", f" {text}")]
    ends = np.array([word.end() for word in words])
    places = np.searchsorted(ends, [end for _, end in encoding.offsets])
    return [word.group() for word in words], np.minimum(places, len(words) - 1)
