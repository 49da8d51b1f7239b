"""Readings as tables for people and as JSON for programs."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from parity_tests.compare import CHECKS, Reading, finite, first_divergence


def print_readings(readings: list[Reading], console: Console) -> None:
    """A row for each model with its worst error of each kind, the first divergence of each that failed."""
    for dtype, group in groupby(readings, key=lambda reading: reading.dtype):
        console.print(_table(list(group), dtype))
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

    checks = [{name: finite(value) for name, value in asdict(r).items()} for r in readings]
    return {"passed": bool(readings) and all(reading.passed for reading in readings), "checks": checks}


def _models(readings: list[Reading]) -> Iterator[list[Reading]]:
    """The readings of one model in one dtype after those of another."""
    for _, group in groupby(readings, key=lambda reading: (reading.model, reading.dtype)):
        yield list(group)


def _table(readings: list[Reading], dtype: str) -> Table:
    """One row a model. A cell is the worst error of one kind of check, relative to its tensor."""
    title = f"Largest relative errors in {dtype}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model or block", overflow="fold")
    for header in ("tensors", "output", "taps", "inputs", "params", "bound"):
        table.add_column(header, width=7, justify="right", no_wrap=True)
    table.add_column("", width=4)
    for group in _models(readings):
        cells = [_worst(group, check) for check in CHECKS]
        bound = f"{min(reading.bound for reading in group):.0e}"
        passed = all(reading.passed for reading in group)
        verdict = Text("pass", style="green") if passed else Text("FAIL", style="bold red")
        table.add_row(group[0].model, str(len(group)), *cells, bound, verdict)
    return table


def _worst(readings: list[Reading], check: str) -> Text:
    """The worst failure of one kind of check, or else its worst error; empty where there is none."""
    kind = [reading for reading in readings if reading.check == check]
    if not kind:
        return Text("")
    worst = max(kind, key=lambda reading: (not reading.passed, reading.max_rel_error))
    return Text(f"{worst.max_rel_error:.1e}", style="" if worst.passed else "bold red")
