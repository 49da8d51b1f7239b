"""Every defect of the models, judged by other projects' bounds on outputs, and by our own comparison."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from parity_tests.core.compare import finite
from parity_tests.core.defect_results import DefectResult, all_found
from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.field_bounds import RULES
from parity_tests.twins.field_results import FieldResult, judge_defect
from parity_tests.twins.inject import try_defect
from study.bounds.picture import draw
from study.record import few, write_record
from train.runs.durable import write

SHOWN = 2  # of the defects that a rule lets pass

Judged = tuple[FieldResult, DefectResult]


def study(json: Path | None, plot: Path | None, console: Console) -> int:
    """Judge all defects; print what each rule lets pass, write the record and the picture.

    Returns the exit status: 1 where our comparison does not find a defect, or a rule refuses a model that has
    none.
    """
    judged = [
        (judge_defect(defect), try_defect(defect))
        for defect in track(DEFECTS, "judging the defects", console=console, transient=True)
    ]
    found = figures(judged)
    print_rules(found, console)
    write_record(json, **found)
    write(plot, lambda path: draw(found, path))
    return 0 if all_found([ours for _, ours in judged]) and not found["refused"] else 1


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """What the record holds: each rule with what it lets pass; the defects from the smallest error up.

    "refused" has the rules by which a model without any defect is another one than its reference.
    """
    ranked = sorted(judged, key=lambda both: both[0].injected)
    rules = [
        {
            **{name: value for name, value in vars(rule).items() if name != "bound"},
            "bound": str(rule.bound),
            **vars(rule.bound),
            "unnoticed": [theirs.name for theirs, _ in ranked if rule.name in theirs.unnoticed],
        }
        for rule in RULES
    ]
    return {
        "rules": rules,
        "ours": {"unnoticed": [ours.name for _, ours in ranked if not ours.detected]},
        "refused": sorted({name for theirs, _ in ranked for name in theirs.refused}),
        "defects": [_errors(*both) for both in ranked],
    }


def _errors(theirs: FieldResult, ours: DefectResult) -> dict[str, Any]:
    """Of one defect: absolute errors of the outputs in float32, and the relative ones that we see."""
    seen = {name: few(getattr(ours, name)) for name in ("healthy", "injected", "bound")}
    return {
        "name": theirs.name,
        **finite({name: few(getattr(theirs, name)) for name in ("magnitude", "healthy", "injected")}),
        "ours": finite(seen) | {"found": ours.found},
    }


def print_rules(found: Mapping[str, Any], console: Console) -> None:
    """A row a rule: how many defects it lets pass, and those with the largest errors."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("compared elsewhere", "the same if"):
        table.add_column(name, overflow="fold")
    table.add_column("pass", justify="right", no_wrap=True)
    table.add_column("such as", overflow="fold")
    for rule in found["rules"]:
        table.add_row(f"{rule['project']}: {rule['compares']}", rule["bound"], *_passing(rule))
    table.add_row("here", "docs/tolerances.md", *_passing(found["ours"]))
    console.print(table)
    for name in found["refused"]:
        console.print(Text(f"{name}: refuses a model without a defect", style="bold red"))
    console.print(f"pass: of {len(found['defects'])} defects in the models, how many go unnoticed")


def _passing(rule: Mapping[str, Any]) -> tuple[str, str]:
    unnoticed = rule["unnoticed"]
    return str(len(unnoticed)), "; ".join(unnoticed[: -SHOWN - 1 : -1])
