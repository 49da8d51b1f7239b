"""All runs of a question, one after the other; a record and a picture that grow with every run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from study.questions.fit import Watch
from study.record import RECORD
from study.record import record as how
from train.loops.fit import progress_bar
from train.runs.durable import write_json
from train.runs.lock import owned


class Planned(NamedTuple):
    """A run that is to be."""

    name: str
    steps: int
    """For its bar."""
    carry_out: Callable[[Watch], dict[str, Any]]
    """Trains, tells how far it is, returns what the record keeps of it."""


def ask(
    settings: Mapping[str, Any],
    hold: Callable[[], Any],
    planned: Sequence[Planned],
    draw: Callable[[Mapping[str, Any], Path], None],
    out: Path,
    console: Console,
) -> dict[str, Any]:
    """Carry out what is planned; returns the record, which is written after each run.

    ``hold`` compares the models of both frameworks first. ``draw`` makes the pictures of a record in the
    folder, of all runs that were done, after Ctrl-C too.

    Raises ParityError before anything is trained, RunError where another process writes the folder.
    """
    with owned(out):
        with console.status("holding both frameworks' models together in float64"):
            record = {**how(settings=dict(settings)), "parity": hold(), "runs": []}
        try:
            with progress_bar(console) as progress:
                for run in planned:
                    bar = progress.add_task(run.name, total=run.steps, status="compiling")

                    def watch(step: int, said: str, bar: Any = bar) -> None:
                        progress.update(bar, completed=step, status=said)

                    record["runs"].append(run.carry_out(watch))
                    progress.update(bar, completed=run.steps)
                    write_json(out / RECORD, record)
        finally:
            if record["runs"]:
                draw(record, out)
    return record
