"""Names in narrow tables, which break where a part begins, never inside one; and in sentences."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text

LISTED = 8  # names of a list in a sentence
PART = re.compile(r"(?<=[ _./])|(?<=[a-z])(?=[A-Z])")  # multi_head, blocks.0/norm, LayerNorm


def listed(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


@dataclass(frozen=True)
class Name:
    """A name as a cell of a table, on as many lines as its column is narrow."""

    name: str

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(max(map(len, PART.split(self.name))), len(self.name))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        line = ""
        for part in PART.split(self.name):
            if line and len(line + part.rstrip()) > options.max_width:
                yield Text(line.rstrip())
                line = ""
            line += part
        yield Text(line)
