"""A corpus that need not fit into memory: its documents come one after the other, in the splits of `own`.

It is read from its files each time: once for the splits, once for a tokenizer's sample, once to be tokenized.
What is held is some bytes a document (`survey`), and one document at a time, of a large file a part of it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

from data.batches.pieces import pieces, size
from data.errors import DataError
from data.readers.long_text import Text, is_blank
from data.sets.found import Found
from data.sets.own import FEW, Reading, cut_up, opened
from data.sets.rows import NAMES, Row, apart, splits_of, usable
from data.sets.survey import ELSEWHERE, REPEATED, TRAIN, UNSCORED, Survey, survey

LARGE = 2**25  # bytes of the files: less is held in memory
SAMPLE = LARGE  # bytes of training texts that a tokenizer is trained on: of what is not large, all
SCORED = 2**23  # bytes of each held-out split that models are scored on
TOLD = 2**20  # bytes after which who watches is told again
Document = tuple[str, Text]
"""The name of its split, and the text."""
Watch = Callable[[str, int, int], None]
"""Told what for the texts are read, how many bytes of them were, and of how many."""


class LargeCorpus:
    """One's own documents at a path."""

    def __init__(self, path: Path, reading: Reading, watch: Watch) -> None:
        """Raise DataError as `own.load_documents` does."""
        self.name, self._path, self._watch = path.name, path, watch
        self._parts, self._columns, self.found = opened(path, reading, labelled=False)

    def sample(self) -> list[str]:
        """Training texts for a tokenizer, chosen by their hashes, in order, in pieces. Raises DataError."""
        if self._few is not None:
            texts = [text for split, text in self._few if split == "train"]
            if sum(map(size, texts)) > SAMPLE:
                texts = [text[: SAMPLE // len(texts)] for text in texts]
        else:
            chosen = self._survey.last(TRAIN, SAMPLE).tolist()
            again = self._again("training a tokenizer", chosen)
            texts = [row.text[:SAMPLE] for row, taken in again if taken]
        return [piece.text for text in texts for piece in pieces("train", text)]

    def documents(self) -> Iterator[Document]:
        """All that is in a split. What is left out is noted in `found`. Raises DataError."""
        if self._few is not None:
            yield from self._few
            return
        for row, fate in self._again(None, self._survey.fates.tolist()):  # who tokenizes tells of it
            if fate < len(NAMES):
                yield NAMES[fate], row.text
            else:
                self.found.note(*why(fate, row), row.place)
        self.found.counts["texts"] = self._survey.count()

    @cached_property
    def bytes(self) -> int:
        """Of the texts of `documents`. Raises DataError."""
        return self._survey.bytes() if self._few is None else sum(size(text) for _, text in self._few)

    @cached_property
    def _survey(self) -> Survey:
        files = {file for tables in self._parts.values() for table in tables for file in table.files}
        total = sum(file.stat().st_size for file in files)
        return survey(self._rows("finding the splits", total, self.found), SCORED)

    @cached_property
    def _few(self) -> list[Document] | None:
        """Of whole files that are too few to hold some out, cut as those of a small corpus are."""
        if self._survey.training >= FEW:
            return None
        again = self._again("cutting", self._survey.fates.tolist())
        rows = apart([row for row, _ in again], self.found)
        splits = splits_of(cut_up(rows, self.found), self._path)
        self.found.counts["texts"] = {split: len(splits[split]) for split in NAMES}
        texts = {split: [row.text for row in splits[split]] for split in NAMES}
        held_out = {split: beginning(texts[split], SCORED) for split in NAMES if split != "train"}
        return [(split, text) for split, found in (texts | held_out).items() for text in found]

    def _again(self, what: str | None, each: Sequence[int]) -> Iterator[tuple[Row, int]]:
        """The rows of the survey with a number for each."""
        rows = self._rows(what, int(self._survey.sizes.sum()), Found("", "", ""))
        for row, number in zip_longest(rows, each):
            if row is None or number is None:
                raise DataError(f"{self._path} changed while it was read; start again.")
            yield row, number

    def _rows(self, what: str | None, total: int, found: Found) -> Iterator[Row]:
        read = told = 0
        for row in usable(self._parts, self._columns, found):
            if what is not None:
                read += size(row.text)
                if read - told >= TOLD:
                    told = read
                    self._watch(what, read, total)
            yield row


def why(fate: int, row: Row) -> tuple[str, str]:
    """What is the matter with a row that is in no split, and what became of it."""
    if fate == REPEATED:
        return "repeated", "kept once"
    if fate == UNSCORED:
        return f"held out, beyond {SCORED / 1e6:.0f} MB", "not scored"
    return f"in the {NAMES[fate - ELSEWHERE]} split too", f"left out of {row.split}"


def beginning(texts: Sequence[Text], characters: int) -> list[Text]:
    """The first texts, the last of them cut."""
    found: list[Text] = []
    for text in texts:
        if characters > 0:
            found.append(text[:characters])
            characters -= len(text)
    return [text for text in found if not is_blank(text)] or list(texts[:1])
