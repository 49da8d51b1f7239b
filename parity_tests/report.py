"""Readings as tables for people and as JSON for programs."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from parity_tests.compare import Reading, first_divergence


def print_readings(readings: list[Reading], console: Console) -> None:
    """A row for each kind of check of each model, the first divergence of each that failed, a last line."""
    console.print(_table([]))
    for group in _models(readings):
        console.print(Text(f"\n{group[0].model} ({group[0].dtype})", style="bold"))
        console.print(_table(group))
    console.print()
    failures = [reading for reading in map(first_divergence, _models(readings)) if reading]
    for reading in failures:
        console.print(Text(sentence(reading), style="red"))
    console.print(Text(summary(readings), style="bold red" if failures or not readings else "bold green"))


def sentence(divergence: Reading) -> str:
    """Where two models part first, as `compare.first_divergence` found it."""
    model, place = f"{divergence.model} ({divergence.dtype})", f"{divergence.check} {divergence.name}"
    if not math.isfinite(divergence.max_rel_error):
        return f"{model} parts first at {place}: missing on one side, of another shape, or not finite."
    error, bound = divergence.max_rel_error, divergence.bound
    return f"{model} parts first at {place}: relative error {error:.1e}, allowed {bound:.1e}."


def summary(readings: list[Reading]) -> str:
    """The last line: how many checks there were and how many failed."""
    failed = sum(not reading.passed for reading in readings)
    if failed:
        return f"{failed:,} of {len(readings):,} checks failed"
    return f"{len(readings):,} checks, all within bounds" if readings else "nothing was checked"


def to_json(readings: list[Reading]) -> dict[str, Any]:
    """``{"passed": ..., "checks": [...]}``, a check having the fields of `Reading`.

    An error that is no finite number (an array is missing, of another shape, or holds NaN) is null, as JSON
    has no infinity; ``passed`` is false there. It is false for no checks too.
    """

    def finite(value: Any) -> Any:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    checks = [{name: finite(value) for name, value in asdict(r).items()} for r in readings]
    return {"passed": bool(readings) and all(reading.passed for reading in readings), "checks": checks}


def _models(readings: list[Reading]) -> Iterator[list[Reading]]:
    """The readings of one model in one dtype after those of another."""
    for _, group in groupby(readings, key=lambda reading: (reading.model, reading.dtype)):
        yield list(group)


def _table(readings: list[Reading]) -> Table:
    """One row for each kind of check, showing its worst failure or else its worst error; headed if empty."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=not readings)
    table.add_column("check", width=18, style="dim")
    for header in ("tensors", "error", "bound"):
        table.add_column(header, width=7, justify="right")
    table.add_column("", width=4)
    table.add_column("worst at", overflow="fold")
    for check, group in groupby(readings, key=lambda reading: reading.check):
        kind = list(group)
        worst = max(kind, key=lambda reading: (not reading.passed, reading.max_rel_error))
        verdict = Text("pass", style="green") if worst.passed else Text("FAIL", style="bold red")
        error, bound = f"{worst.max_rel_error:.1e}", f"{worst.bound:.1e}"
        table.add_row(check, str(len(kind)), error, bound, verdict, Text(worst.name))
    return table
