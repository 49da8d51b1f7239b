"""What was seen of one's own data while it was read: for a table before the training, and for the run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

UNBALANCED = 10  # times as many texts of the commonest class as of the rarest


@dataclass
class Finding:
    """Rows that something is the matter with."""

    what: str
    done: str
    """What became of them."""
    rows: int = 0
    first: str = ""
    """The place of the first."""


@dataclass
class Found:
    """Where the data lay, how it was read, and what was the matter with it."""

    path: str
    sha256: str
    """Of the files' names and contents."""
    read: str
    """Columns, encoding and splits, in a line."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Texts of each split by class; of a corpus, which has no classes, under "texts"."""
    findings: list[Finding] = field(default_factory=list)

    def note(self, what: str, done: str, place: str = "", rows: int = 1) -> None:
        """Count rows of which the first lies at ``place``."""
        found = next((one for one in self.findings if (one.what, one.done) == (what, done)), None)
        if found is None:
            found = Finding(what, done, first=place)
            self.findings.append(found)
        found.rows += rows

    def count(self, classes: Sequence[str], splits: Mapping[str, Sequence[int]]) -> None:
        """Keep how many texts each class has in each split; ``splits`` has their labels."""
        totals = {split: Counter(labels) for split, labels in splits.items()}
        self.counts = {
            name: {split: total[number] for split, total in totals.items()}
            for number, name in enumerate(classes)
        }
        trained = sorted(self.counts, key=lambda name: self.counts[name]["train"])
        most, least = (self.counts[name]["train"] for name in (trained[-1], trained[0]))
        if most > UNBALANCED * least:
            self.note(
                f"unbalanced: {trained[-1]!r} has {most:,} texts, {trained[0]!r} {least:,}", "kept", rows=most
            )
        untested = [name for name in self.counts if not self.counts[name]["test"]]
        if untested:
            rows = sum(self.counts[name]["train"] for name in untested)
            self.note(
                f"too few to test: {len(untested)} classes, {untested[0]!r} first", "trained on", rows=rows
            )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Found":
        return cls(**{**fields, "findings": [Finding(**one) for one in fields["findings"]]})
