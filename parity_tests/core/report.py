"""Readings as tables for people and as JSON for programs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parity_tests.core.compare import CHECKS, Reading, all_passed, finite, first_divergence
from parity_tests.core.isolate import Block, Isolation

PRICES = ("jax/f64", "torch/f64")  # the columns of what a precision costs
STYLES = {"agrees": "green", "inherits": "yellow", "parts": "bold red"}


def print_readings(readings: list[Reading], console: Console, isolations: Sequence[Isolation] = ()) -> None:
    """A row for each model with its worst error of each kind; of each that failed, where it parts.

    That is its first divergence, and block by block what parts by itself, where it was isolated.
    """
    for dtype, group in groupby(readings, key=lambda reading: reading.dtype):
        console.print(_table(list(group), dtype))
    failures = [reading for reading in map(first_divergence, models(readings)) if reading]
    for reading in failures:
        console.print(Text(sentence(reading), style="red"))
        for isolation in isolations:
            if (isolation.model, isolation.dtype) == (reading.model, reading.dtype):
                console.print(Padding.indent(_blocks(isolation), 2))
    console.print(Text(summary(readings), style="bold red" if failures or not readings else "bold green"))


def sentence(divergence: Reading) -> str:
    """Where two models part first, as `compare.first_divergence` found it."""
    model, place = f"{divergence.model} ({divergence.dtype})", f"{divergence.check} {divergence.name}"
    if not math.isfinite(divergence.max_rel_error):
        return f"{model} parts first at {place}: missing on one side, of another shape, or not finite."
    if divergence.ratios is not None:
        (ratio, largest), (ours, theirs) = divergence.ratios, price([divergence])
        return (
            f"{model} parts first at {place}: error {ours:.1e} in JAX and {theirs:.1e} in PyTorch, "
            f"ratio {ratio:.2f}, allowed {largest:.2f}."
        )
    error, bound = divergence.max_rel_error, divergence.bound
    return f"{model} parts first at {place}: relative error {error:.1e}, allowed {bound:.1e}."


def summary(readings: list[Reading]) -> str:
    """The last line: how many checks there were and how many failed."""
    failed = sum(not reading.passed for reading in readings)
    if failed:
        return f"{failed:,} of {len(readings):,} checks failed"
    return f"{len(readings):,} checks, all within bounds" if readings else "nothing was checked"


def to_json(readings: list[Reading], isolations: Sequence[Isolation] = ()) -> dict[str, Any]:
    """``{"passed": ..., "checks": [...], "isolation": [...]}``, a check having the fields of `Reading`.

    An entry of "isolation" is one model: its "blocks", each as bad as its worst place, and all its "places",
    each having the fields of `isolate.Place`. An error that is no finite number (an array is missing, of
    another shape, or holds NaN) is null, as JSON has no infinity; ``passed`` is false there. It is false for
    no checks too.
    """

    def row(block: Block) -> dict[str, Any]:
        return {
            "name": block.name,
            "cumulative": block.cumulative,
            "isolated": block.worst.isolated,
            "worst": block.worst.name,
            "verdict": block.verdict,
        }

    return {
        "passed": all_passed(readings),
        "checks": [finite(asdict(reading)) for reading in readings],
        "isolation": [
            {
                "model": isolation.model,
                "dtype": isolation.dtype,
                "blocks": [finite(row(block)) for block in isolation.blocks],
                "places": [finite(asdict(place)) for place in isolation.places],
            }
            for isolation in isolations
        ],
    }


def worst(readings: list[Reading], check: str) -> Reading | None:
    """The worst failure of one kind of check, or else its worst error; None where there is none."""
    kind = [reading for reading in readings if reading.check == check]
    return max(kind, key=lambda reading: (not reading.passed, reading.max_rel_error), default=None)


def price(readings: list[Reading]) -> list[float]:
    """How far JAX's twin is from float64 at worst, and PyTorch's; nothing where that is not known."""
    both = [(reading.jax_from_float64, reading.torch_from_float64) for reading in readings]
    known = [(ours, theirs) for ours, theirs in both if ours is not None and theirs is not None]
    return [max(errors) for errors in zip(*known, strict=True)]


def allowed(readings: list[Reading]) -> str:
    """The bound of one model's readings; in bfloat16, of the ratio of the twins' errors."""
    if ratios := [reading.ratios[1] for reading in readings if reading.ratios]:
        return f"{max(ratios):.2f}"
    return f"{min(reading.bound for reading in readings):.0e}"


def models(readings: list[Reading]) -> Iterator[list[Reading]]:
    """The readings of one model in one dtype after those of another."""
    for _, group in groupby(readings, key=lambda reading: (reading.model, reading.dtype)):
        yield list(group)


def _table(readings: list[Reading], dtype: str) -> Table:
    """One row a model. A cell is the worst error of one kind of check, relative to its tensor.

    In bfloat16 it is the ratio of the twins' errors. Where float64 was computed too, the last two columns are
    each twin's worst error from it.
    """
    errors = "Ratios of the twins' errors" if dtype == "bfloat16" else "Largest relative errors"
    title = f"{errors} in {dtype}"
    priced = bool(price(readings))
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model or block", overflow="fold")
    counts, prices = ((), PRICES) if priced else (("tensors",), ())  # 80 columns hold either
    for header in (*counts, "output", "taps", "inputs", "params", "bound", *prices):
        table.add_column(header, width=max(7, len(header)), justify="right", no_wrap=True)
    table.add_column("", width=4)
    for group in models(readings):
        cells = [_error(worst(group, check)) for check in CHECKS]
        costs = [f"{error:.1e}" for error in price(group)] or ["" for _ in prices]
        verdict = Text("pass", style="green") if all_passed(group) else Text("FAIL", style="bold red")
        count = [str(len(group)) for _ in counts]
        table.add_row(group[0].model, *count, *cells, allowed(group), *costs, verdict)
    return table


def _blocks(isolation: Isolation) -> Table:
    """One row a block: what it adds up to, what it does to the reference's own values, and where."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("block", overflow="fold")
    for header in ("cumulative", "isolated", "verdict"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("parts at", overflow="fold")
    for block in isolation.blocks:
        errors = f"{block.cumulative:.1e}", f"{block.worst.isolated:.1e}"
        inside = block.places if len(block.places) > 1 else []
        parting = ", ".join(place.name_in_block for place in inside if place.verdict == "parts")
        verdict = Text(block.verdict, style=STYLES[block.verdict])
        table.add_row(Text(block.name), *errors, verdict, Text(parting))
    return table


def _error(reading: Reading | None) -> Text:
    if reading is None:
        return Text("")
    error = f"{reading.ratios[0]:.2f}" if reading.ratios else f"{reading.max_rel_error:.1e}"
    return Text(error, style="" if reading.passed else "bold red")
