"""Workload after workload: who takes part, the measurement, the record, a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.contestants import ENTRIES, OURS
from benchmarks.errors import BenchmarkError
from benchmarks.figures import rows
from benchmarks.progress import quiet_progress, shown
from benchmarks.record import record_of, write
from benchmarks.rounds import Case
from benchmarks.tables import HEADER, cells, notes, sizes
from benchmarks.workloads import Workload


def bench(
    workloads: Sequence[Workload], peers: Sequence[str], rounds: int, seed: int, out: Path, console: Console
) -> None:
    """Measure ours and those of the peers that are installed and do such a thing; a record is written after
    each workload.

    Raises:
        BenchmarkError: ours could not be measured.
    """
    left_out = {name: missing for name in peers if (missing := why_missing(name))}
    with quiet_progress(console) as progress:
        for workload in workloads:
            fitting = [name for name in (OURS, *peers) if workload.kind in ENTRIES[name].kinds]
            names = [name for name in fitting if name not in left_out]
            absent = {name: left_out[name] for name in fitting if name in left_out}
            cases = {name: Case(name, workload) for name in names}
            measured = shown(progress, workload.name, cases, rounds, seed)
            if OURS in measured.failed:
                raise BenchmarkError(f"{workload.name}: ours failed: {measured.failed[OURS]}")
            record = record_of(workload, seed, measured, absent)
            path = write(out, record)
            console.print(table(record), "\n".join([*notes(record), str(path), ""]), highlight=False)


def why_missing(name: str) -> str:
    """Which package is not installed, and the remedy; "" if none."""
    if missing := ENTRIES[name].missing():
        return f"{', '.join(missing)} not installed: pip install 'twinformer[bench]'"
    return ""


def table(record: dict[str, Any]) -> Table:
    """What the terminal shows of a record."""
    workload = Workload(**record["workload"])
    shown = Table(
        *HEADER[:1],
        box=None,
        pad_edge=False,
        title=f"{workload.name}: {sizes(workload)}",
        title_justify="left",
    )
    for name in HEADER[1:]:
        shown.add_column(name, justify="right")
    for row in rows(record):
        shown.add_row(*cells(row))
    return shown
