"""How far a measurement is."""

from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.rounds import Case, Measured, measure


def quiet_progress(console: Console) -> Progress:
    """Nothing is drawn while a sample runs: the display changes between two."""
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, auto_refresh=False)


def shown(progress: Progress, title: str, cases: Mapping[str, Case], rounds: int, seed: int) -> Measured:
    """`measure` with a bar of its own, which says what is being done."""
    task = progress.add_task(title, total=1 + len(cases) + rounds * (len(cases) + 1))

    def tell(doing: str) -> None:
        progress.update(task, advance=1, description=f"{title}: {doing}")
        progress.refresh()

    try:
        return measure(cases, rounds, seed, tell)
    finally:
        progress.remove_task(task)
