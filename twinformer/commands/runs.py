"""``twinformer runs``."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table

HEADLINES = ("sequence_accuracy", "accuracy", "bits_per_byte", "loss")  # the one figure that is shown
UNITS = {"bits_per_byte": "bits/byte", "loss": "nats"}
WIDE = 110  # columns of a terminal from which a run takes one line
STYLES = {"changed": "bold red", "interrupted": "yellow", "running": "green"}


@dataclass(frozen=True)
class Runs:
    """List the runs in a folder and below it, newest first: what they learned, how long, and their state.

    Whether a run was changed is asked of all its files but the weights; `twinformer verify` reads those too.
    """

    folder: tyro.conf.Positional[Path] = Path("runs")
    """Where runs are."""
    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write all figures as JSON to the standard output."""

    def carry_out(self, console: Console) -> int:
        from train.runs.listing import listed

        rows, broken = listed(self.folder)
        for line in broken:
            sys.stderr.write(f"twinformer: {' '.join(line.splitlines())}\n")
        if self.json:
            sys.stdout.write(
                json.dumps({"schema": 1, "runs": [asdict(row) for row in rows]}, indent=1) + "\n"
            )
        elif rows:
            console.print(table(rows, self.folder, " " if console.width >= WIDE else "\n"))
        else:
            console.print(f"No runs in {self.folder}.", highlight=False)
        return 0


def table(rows: list[Any], folder: Path, between: str) -> Table:
    """A line a run and framework, or two where there is a line ``between`` the words of a cell."""
    shown = Table(box=None, pad_edge=False)
    for header in ("run", "model", "steps", "time", "tokens/s", "validation", "test", "state"):
        right = header in ("steps", "time", "tokens/s")
        shown.add_column(
            header, justify="right" if right else "left", overflow="fold", no_wrap=header != "run"
        )
    for row in rows:
        steps = "" if row.steps is None else f"{row.steps:,}"
        if row.planned not in (None, row.steps):
            steps += f"{between}of {row.planned:,}"
        shown.add_row(
            str(Path(row.run).relative_to(folder)),
            between.join(filter(None, (row.family, row.data))),
            steps,
            duration(row.seconds),
            "" if row.tokens_per_second is None else f"{row.tokens_per_second:,.0f}",
            headline(row.validation, between),
            headline(row.test, between),
            between.join(filter(None, (row.state, row.framework))),
            style=STYLES.get(row.state, ""),
        )
    return shown


def headline(figures: dict[str, int | float] | None, between: str) -> str:
    """The figure that tells most of a family, with its unit."""
    name = next((name for name in HEADLINES if name in (figures or {})), None)
    if figures is None or name is None:
        return ""
    return f"{figures[name]:.1%}" if "accuracy" in name else f"{figures[name]:.3f}{between}{UNITS[name]}"


def duration(seconds: float | None) -> str:
    """Seconds, minutes or hours."""
    if seconds is None:
        return ""
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
