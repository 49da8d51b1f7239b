"""The text of a large file: read in parts as it is asked for, and used like a string that is held."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from data.errors import DataError
from data.readers.plain import lines, open_text

LONG = 2**22  # bytes of a file: the text of one that has no more is held
PART = 2**18  # characters


@dataclass(frozen=True)
class TextFile:
    """A file of text, whose ends of lines are one character each."""

    path: Path
    encoding: str

    @cached_property
    def length(self) -> int:
        """Characters. Raises DataError as `plain.lines` does, and on what no text can hold."""
        length = 0
        for number, line in lines(self.path, self.encoding):
            length += len(line) - line.endswith("\r\n")
            try:
                line.encode()
            except UnicodeEncodeError as error:
                raise DataError(f"{self.path}, line {number}: half of a character; mend the line.") from error
        return length

    def parts(self) -> Iterator[str]:
        """All of it, once it was seen to be text. Raises DataError where it has changed since."""
        left, held = self.length, ""
        try:
            with open_text(self.path, self.encoding) as file:
                while part := file.read(PART):
                    part = held + part
                    held = "\r" * part.endswith("\r")  # the line may end with the next character
                    part = part.removesuffix("\r").replace("\r\n", "\n")
                    left -= len(part)
                    yield part
        except (OSError, UnicodeError):
            left = -1
        if left != len(held):
            raise DataError(f"{self.path} changed while it was read; start again.")
        yield held


class LongText:
    """The characters of a file from ``begin`` to ``end``, or to its end."""

    def __init__(self, file: TextFile, begin: int = 0, end: int | None = None) -> None:
        self._file, self._begin, self._end = file, begin, end

    def __iter__(self) -> Iterator[str]:
        """Its parts, none of them empty."""
        at, end = 0, self._begin + len(self)
        for part in self._file.parts():
            if found := part[max(0, self._begin - at) : end - at]:
                yield found
            at += len(part)
            if at >= end < self._file.length:
                return

    def __len__(self) -> int:
        return (self._file.length if self._end is None else self._end) - self._begin

    def __getitem__(self, place: slice) -> "LongText":
        begin, end, _ = place.indices(len(self))
        return LongText(self._file, self._begin + begin, self._begin + max(begin, end))

    def __contains__(self, character: str) -> bool:
        return any(character in part for part in self)

    def __str__(self) -> str:
        return "".join(self)

    def rfind(self, character: str, begin: int, end: int) -> int:
        """Where a character stands last from ``begin`` up to, not including, ``end``; -1: nowhere."""
        found, at = -1, begin
        for part in self[begin:end]:
            last = part.rfind(character)
            found = found if last < 0 else at + last
            at += len(part)
        return found


Text = str | LongText


def parts_of(text: Text) -> Iterator[str]:
    """A text in parts of about `PART` characters; an empty one has none."""
    if isinstance(text, str):
        return (text[begin : begin + PART] for begin in range(0, len(text), PART))
    return iter(text)


def is_blank(text: Text) -> bool:
    """Whether a text has no words."""
    return not text.strip() if isinstance(text, str) else not any(part.strip() for part in text)
