"""When checkpoints are written, and how many stay."""

import re
import time
from dataclasses import dataclass

from train.config import ConfigError


@dataclass(frozen=True)
class Saving:
    """Besides the first and the last step and the end of each epoch."""

    save_every: str = "10m"
    """Steps (500), seconds (90s) or minutes (10m): so much may be lost when the machine dies."""
    keep: int = 1
    """How many of the last checkpoints stay."""

    def check(self) -> None:
        """Raise ConfigError naming the setting, its value and the remedy."""
        found = re.fullmatch(r"(\d{1,9})([sm]?)", self.save_every)
        if found is None or int(found[1]) == 0:
            raise ConfigError(
                f"save_every={self.save_every}: give steps (500), seconds (90s) or minutes (10m), above 0"
            )
        if self.keep < 1:
            raise ConfigError(f"keep={self.keep}: give 1 or more")

    def timer(self, step: int) -> "Timer":
        """Of a run that begins, or goes on, at a step."""
        return Timer(self, step)


DEFAULT = Saving()


class Timer:
    """Whether a checkpoint is due."""

    def __init__(self, saving: Saving, step: int) -> None:
        self._number = int(saving.save_every.rstrip("sm"))
        self._unit = saving.save_every.lstrip("0123456789")
        self.restart(step)

    def restart(self, step: int) -> None:
        """One was written after so many steps."""
        self._last, self._begun = step, time.perf_counter()

    def due(self, step: int) -> bool:
        """After so many steps have been taken."""
        if not self._unit:
            return step - self._last >= self._number
        return time.perf_counter() - self._begun > self._number * (60.0 if self._unit == "m" else 1.0)
