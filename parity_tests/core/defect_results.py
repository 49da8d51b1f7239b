"""What became of planted defects."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Trial:
    """What became of one planted defect."""

    name: str
    healthy: float
    """The largest error without it."""
    planted: float
    """The error with it, where it was found."""
    bound: float
    found: str | None
    """Where; None if it went unnoticed."""
    located: str
    """Where it should be found."""

    @property
    def detected(self) -> bool:
        return self.found is not None and self.healthy <= self.bound

    @property
    def right(self) -> bool:
        """Whether it was found where it was planted."""
        return self.found == self.located


def print_trials(trials: Sequence[Trial], console: Console) -> None:
    """A row for each planted defect: the healthy error, the error with it, and where it was found."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("planted defect", overflow="fold")
    for header in ("healthy", "planted", "bound"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("found at", overflow="fold")
    for trial in trials:
        found = Text(trial.found or "UNDETECTED", style="bold red" if not trial.detected else "")
        if trial.detected and not trial.right:
            found.append(f" (planted at {trial.located})", style="yellow")
        errors = (f"{error:.1e}" for error in (trial.healthy, trial.planted, trial.bound))
        table.add_row(Text(trial.name), *errors, found)
    console.print(table)
    detected, right = (sum(getattr(t, name) for t in trials) for name in ("detected", "right"))
    passed = all_found(trials)
    console.print(
        Text(
            f"{detected} of {len(trials)} defects detected, {right} found where they were planted",
            style="bold green" if passed else "bold red",
        )
    )


def all_found(trials: Sequence[Trial]) -> bool:
    """Whether every defect was detected, and found where it was planted."""
    return all(trial.detected and trial.right for trial in trials)
