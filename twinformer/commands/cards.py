"""``twinformer cards``."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console


@dataclass(frozen=True)
class Cards:
    """Write flash cards for Anki: shapes, layouts of both frameworks, mistakes, words.

    Imported again, a package updates its cards and doubles none.
    """

    out: Path = Path("twinformer.apkg")
    """The package."""

    def carry_out(self, console: Console) -> int:
        from train.paths import check_file

        check_file("out", self.out, (".apkg",))

        from study.cards.deck import write_deck

        found = write_deck(self.out)
        counts = Counter(note.kind for note in found)
        parts = ", ".join(f"{number} of {kind}" for kind, number in counts.items())
        console.print(f"{self.out}: {len(found)} cards, {parts}", highlight=False)
        return 0
