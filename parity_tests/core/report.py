"""Checks as tables for people and as JSON for programs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parity_tests.core.compare import Check, all_passed, finite, first_divergence
from parity_tests.core.isolate import Block, Isolation
from parity_tests.core.names import Name
from parity_tests.core.trace import KINDS

PRECISION_COLUMNS = ("jax/f64", "torch/f64")  # the columns of what a precision costs
# Of the JSON report. 3 had no "findings" of a pair, 2 neither "earlier" nor "at"; 1 said "check" for "kind",
# "places" for "taps", parts, inherits, agrees.
SCHEMA = 4
STYLES = {"matches": "green", "downstream": "yellow", "earlier": "red", "diverges": "bold red"}


def print_checks(checks: list[Check], console: Console, isolations: Sequence[Isolation] = ()) -> None:
    """A row for each model with its worst error of each kind; of each that failed, where it diverges.

    That is its first divergence, and block by block what diverges by itself, where it was isolated.
    """
    for dtype, group in groupby(checks, key=lambda check: check.dtype):
        console.print(_table(list(group), dtype))
    failures = [check for check in map(first_divergence, models(checks)) if check]
    for check in failures:
        console.print(Text(sentence(check), style="red"))
        if check.at and math.isfinite(check.max_rel_error):
            console.print(Text(f"It is {check.at}.", style="red"))
        for isolation in isolations:
            if (isolation.model, isolation.dtype) == (check.model, check.dtype):
                if check.kind == "tap" and check.name in isolation.unheard:
                    console.print(Text(isolation.unheard[check.name], style="red"))
                console.print(Padding.indent(_blocks(isolation), 2))
    console.print(Text(summary(checks), style="bold red" if failures or not checks else "bold green"))


def sentence(divergence: Check) -> str:
    """Where two models diverge first, as `compare.first_divergence` found it."""
    model, tap = f"{divergence.model} ({divergence.dtype})", f"{divergence.kind} {divergence.name}"
    if not math.isfinite(divergence.max_rel_error):
        why = divergence.at or "missing on one side, or of another shape"
        return f"{model} diverges first at {tap}: {why}."
    if divergence.ratios is not None:
        (ratio, largest), (ours, theirs) = divergence.ratios, precision_errors([divergence])
        return (
            f"{model} diverges first at {tap}: error {ours:.1e} in JAX and {theirs:.1e} in PyTorch, "
            f"ratio {ratio:.2f}, allowed {largest:.2f}."
        )
    error, bound = divergence.max_rel_error, divergence.bound
    return f"{model} diverges first at {tap}: relative error {error:.1e}, allowed {bound:.1e}."


def summary(checks: list[Check]) -> str:
    """The last line: how many checks there were and how many failed."""
    failed = sum(not check.passed for check in checks)
    if failed:
        return f"{failed:,} of {len(checks):,} checks failed"
    return f"{len(checks):,} checks, all within bounds" if checks else "nothing was checked"


def to_json(checks: list[Check], isolations: Sequence[Isolation] = ()) -> dict[str, Any]:
    """``{"schema": 4, "passed": ..., "checks": [...], "isolation": [...]}``; a check is a `Check`.

    An entry of "isolation" is one model: its "blocks", each as bad as its worst place, and all its "taps",
    each having the fields of `isolate.TapError`. An error that is no finite number (an array is missing, of
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
        "schema": SCHEMA,
        "passed": all_passed(checks),
        "checks": [finite(asdict(check)) for check in checks],
        "isolation": [
            {
                "model": isolation.model,
                "dtype": isolation.dtype,
                "blocks": [finite(row(block)) for block in isolation.blocks],
                "taps": [finite(asdict(tap)) for tap in isolation.tap_errors],
            }
            for isolation in isolations
        ],
    }


def worst(checks: list[Check], kind: str) -> Check | None:
    """The worst failure of one kind of check, or else its worst error; None where there is none."""
    of_kind = [check for check in checks if check.kind == kind]
    return max(of_kind, key=lambda check: (not check.passed, check.max_rel_error), default=None)


def precision_errors(checks: list[Check]) -> list[float]:
    """How far JAX's twin is from float64 at worst, and PyTorch's; nothing where that is not known."""
    both = [(check.jax_from_float64, check.torch_from_float64) for check in checks]
    known = [(ours, theirs) for ours, theirs in both if ours is not None and theirs is not None]
    return [max(errors) for errors in zip(*known, strict=True)]


def allowed(checks: list[Check]) -> str:
    """The bound of one model's checks; in bfloat16, of the ratio of the twins' errors."""
    if ratios := [check.ratios[1] for check in checks if check.ratios]:
        return f"{max(ratios):.2f}"
    return f"{min(check.bound for check in checks):.0e}"


def models(checks: list[Check]) -> Iterator[list[Check]]:
    """The checks of one model in one dtype after those of another."""
    for _, group in groupby(checks, key=lambda check: (check.model, check.dtype)):
        yield list(group)


def _table(checks: list[Check], dtype: str) -> Table:
    """One row a model. A cell is the worst error of one kind of check, relative to its tensor.

    In bfloat16 it is the ratio of the twins' errors. Where float64 was computed too, the last two columns are
    each twin's worst error from it.
    """
    errors = "Ratios of the twins' errors" if dtype == "bfloat16" else "Largest relative errors"
    title = f"{errors} in {dtype}"
    precise = bool(precision_errors(checks))
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model or block")
    counts, precision_columns = (
        ((), PRECISION_COLUMNS) if precise else (("tensors",), ())
    )  # 80 columns hold either
    for header in (*counts, "output", "taps", "inputs", "params", "bound", *precision_columns):
        table.add_column(header, width=max(7, len(header)), justify="right", no_wrap=True)
    table.add_column("", width=4)
    for group in models(checks):
        cells = [_error(worst(group, kind)) for kind in KINDS]
        costs = [f"{error:.1e}" for error in precision_errors(group)] or ["" for _ in precision_columns]
        verdict = Text("pass", style="green") if all_passed(group) else Text("FAIL", style="bold red")
        count = [str(len(group)) for _ in counts]
        table.add_row(Name(group[0].model), *count, *cells, allowed(group), *costs, verdict)
    return table


def _blocks(isolation: Isolation) -> Table:
    """One row a block: what it adds up to, what it does to the reference's own values, and where."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("block")
    for header in ("cumulative", "isolated", "verdict"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("diverges at")
    for block in isolation.blocks:
        errors = f"{block.cumulative:.1e}", f"{block.worst.isolated:.1e}"
        before = {"diverges": "", "earlier": "before "}
        inside = block.tap_errors if len(block.tap_errors) > 1 else []
        inside = inside or [tap for tap in block.tap_errors if tap.verdict == "earlier"]
        diverging = ", ".join(
            f"{before[tap.verdict]}{tap.name_in_block if len(block.tap_errors) > 1 else 'it'}"
            for tap in inside
            if tap.verdict in before
        )
        verdict = Text(block.verdict, style=STYLES[block.verdict])
        table.add_row(Name(block.name), *errors, verdict, Name(diverging))
    return table


def _error(check: Check | None) -> Text:
    if check is None:
        return Text("")
    error = f"{check.ratios[0]:.2f}" if check.ratios else f"{check.max_rel_error:.1e}"
    return Text(error, style="" if check.passed else "bold red")
