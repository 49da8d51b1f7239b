"""What came of a learner's file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from study.grade.mistakes import Mistake
from study.grade.parts import Part
from study.grade.weights import Reading


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    passed: bool
    said: str


@dataclass
class Grade:
    """What was found, the mistakes that were recognised, and what else to tell."""

    file: Path
    part: Part
    framework: str
    name: str
    """Of the function or class."""
    findings: list[Finding] = field(default_factory=list)
    mistakes: list[tuple[Mistake, ...]] = field(default_factory=list)
    """Sets of mistakes, each of which gives the learner's numbers."""
    told: list[str] = field(default_factory=list)
    """What else there is to tell, a sentence each."""
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    """By case."""
    weights: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    """The learner's, as they were drawn."""
    reading: Reading | None = field(default=None, repr=False)
    """Which of the reference's weights they are."""

    @property
    def passed(self) -> bool:
        """Whether something was looked at, and all of it is right."""
        return bool(self.findings) and all(one.passed for one in self.findings)

    def find(self, name: str, passed: bool, said: str) -> None:
        self.findings.append(Finding(name, passed, said))

    def tell(self, words: str) -> None:
        self.told.append(f"{words[0].upper()}{words[1:]}.")
