"""What became of injected defects."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class DefectResult:
    """What became of one injected defect."""

    name: str
    healthy: float
    """The largest error without it."""
    injected: float
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
        """Whether it was found where it was injected."""
        return self.found == self.located


def print_defect_results(results: Sequence[DefectResult], console: Console) -> None:
    """A row for each injected defect: the healthy error, the error with it, and where it was found."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("injected defect", overflow="fold")
    for header in ("healthy", "injected", "bound"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("found at", overflow="fold")
    for result in results:
        found = Text(result.found or "UNDETECTED", style="bold red" if not result.detected else "")
        if result.detected and not result.right:
            found.append(f" (injected at {result.located})", style="yellow")
        errors = (f"{error:.1e}" for error in (result.healthy, result.injected, result.bound))
        table.add_row(Text(result.name), *errors, found)
    console.print(table)
    detected, right = (sum(getattr(t, name) for t in results) for name in ("detected", "right"))
    passed = all_found(results)
    console.print(
        Text(
            f"{detected} of {len(results)} defects detected, {right} found where they were injected",
            style="bold green" if passed else "bold red",
        )
    )


def all_found(results: Sequence[DefectResult]) -> bool:
    """Whether every defect was detected, and found where it was injected."""
    return all(result.detected and result.right for result in results)
