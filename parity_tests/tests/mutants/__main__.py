"""The mutation run and its table. Ends with 1 where a mutant is not accounted for, with 2 where none ran."""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from parity_tests.tests.mutants.runner import KILLED, Outcome, red_tests, run_all, started
from parity_tests.tests.mutants.table import MUTANTS, ROOT, problems
from train.sizes import cores


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m parity_tests.tests.mutants", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="the mutants whose names contain this")
    parser.add_argument("--json", metavar="PATH", type=Path, help="write the outcomes there")
    parser.add_argument(
        "--workers", type=int, default=cores(), help="side by side (default: one a core, %(default)s)"
    )
    given = parser.parse_args()
    console, begun = Console(), time.monotonic()
    mutants = [mutant for mutant in MUTANTS if given.only is None or given.only in mutant.name]
    wrong = list(problems(mutants, ROOT)) or ([] if mutants else [f"no mutant is named {given.only!r}"])
    if wrong:
        console.print(*wrong, sep="\n", markup=False)
        return 2
    with started(ROOT, min(given.workers, len(mutants))) as workers:
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        console.print(f"{len(mutants)} mutants; first their {len(tests)} tests without any")
        if red := red_tests(tests, workers):
            console.print(
                "Tests fail without a mutation, so none of them shows anything:", *red, sep="\n", markup=False
            )
            return 2
        console.print(f"they pass, after {time.monotonic() - begun:.0f} s")
        left = iter(range(len(mutants), 0, -1))

        def seen(outcome: Outcome) -> None:
            console.print(
                f"{next(left):4} {outcome.status:9} {outcome.seconds:5.1f} s  {outcome.mutant.name}",
                markup=False,
            )

        outcomes = run_all(mutants, workers, seen)
    seconds = time.monotonic() - begun
    print_outcomes(outcomes, seconds, console)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(
            json.dumps(to_json(outcomes, seconds, len(workers)), indent=1) + "\n", encoding="utf-8"
        )
    return 0 if all(outcome.accounted for outcome in outcomes) else 1


def print_outcomes(outcomes: list[Outcome], seconds: float, console: Console) -> None:
    """What killed each mutant, and how many were."""
    table = Table(box=None, pad_edge=False)
    table.add_column("mutant")
    table.add_column("status", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("by", overflow="fold")
    for outcome in outcomes:
        shown = Text(outcome.status, "" if outcome.accounted else "bold red")
        by = outcome.by.rpartition("/")[2] if outcome.status == KILLED else outcome.by
        table.add_row(Text(outcome.mutant.name), shown, f"{outcome.seconds:.1f}", Text(by))
    console.print(table)
    counts = Counter(outcome.status for outcome in outcomes)
    listed = sum(bool(outcome.mutant.survives) for outcome in outcomes)
    said = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    console.print(
        f"{len(outcomes)} mutants: {said} ({listed} listed with a reason); {seconds / 60:.1f} minutes"
    )


def to_json(outcomes: list[Outcome], seconds: float, workers: int) -> dict[str, Any]:
    rows = [
        {
            "name": outcome.mutant.name,
            "files": [edit.path for edit in outcome.mutant.edits],
            "status": outcome.status,
            "by": outcome.by,
            "seconds": round(outcome.seconds, 1),
            "survives": outcome.mutant.survives,
        }
        for outcome in outcomes
    ]
    return {"mutants": rows, "workers": workers, "seconds": round(seconds)}


if __name__ == "__main__":
    sys.exit(main())
