"""The whole study: parity, seeds, controls; a record and pictures that grow with every run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from study.grok import parity, picture
from study.grok.fit import fit
from study.grok.milestones import spread
from study.grok.settings import Settings
from study.record import RECORD
from study.record import record as how
from train.config import Framework
from train.loops.fit import progress_bar
from train.runs.durable import write_json
from train.runs.lock import owned

SCHEMA = 1  # of record.json
SEEDS = "seeds"  # the name of the runs that are no control
# Half a decade to each side of 0.0158, the weight decay below which Verma 2026 (arXiv 2605.20441) sees
# networks memorise and no more. Towards it the time to generalise grows: these runs are longer, by a factor.
SIDES, LONGER = (0.005, 0.05), 5
CURVES, MECHANISM = "curves.png", "mechanism.png"


def study(
    settings: Settings,
    seeds: int,
    frameworks: Sequence[Framework],
    controls: bool,
    out: Path,
    command: str,
    console: Console,
) -> dict[str, Any]:
    """Run it; returns the record, which is written after each run. Pictures are of all runs that were done.

    Raises ParityError before anything is trained, RunError where another process writes the folder.
    """
    with owned(out):
        with console.status("holding both frameworks' model together in float64"):
            record = {**about(settings, command), "parity": parity.check_model(settings)}
        if len(frameworks) == 2:
            with console.status("taking the first steps in both"):
                record["trajectories"] = parity.compare_training(settings)
        record |= {"summary": {}, "runs": []}
        try:
            with progress_bar(console) as progress:
                for run in planned(settings, seeds, frameworks, controls):
                    record["runs"].append(fit(*run, watcher(progress, *run)).to_json())
                    record["summary"] = summary(record["runs"])
                    write_json(out / RECORD, record)
        finally:
            if record["runs"]:
                picture.curves(record, out / CURVES)
                picture.mechanism(record, out / MECHANISM)
    return record


def watcher(
    progress: Progress, name: str, settings: Settings, seed: int, framework: Framework
) -> Callable[[int, str], None]:
    """A run's bar."""
    label = f"{framework} seed {seed}" if name == SEEDS else name
    bar = progress.add_task(label, total=settings.steps, status="compiling" if framework == "jax" else "")
    return lambda step, said: progress.update(bar, completed=step, status=said)


def planned(
    settings: Settings, seeds: int, frameworks: Sequence[Framework], controls: bool
) -> Iterator[tuple[str, Settings, int, Framework]]:
    """Name, settings, seed and framework of each run; controls have one seed, and the first framework."""
    for framework in frameworks:
        yield from ((SEEDS, settings, seed, framework) for seed in range(seeds))
    if controls:
        yield "weight decay 0", replace(settings, weight_decay=0.0), 0, frameworks[0]
        yield "random labels", replace(settings, random_labels=True), 0, frameworks[0]
        longer = replace(settings, steps=LONGER * settings.steps, every=5 * settings.every)
        for decay in SIDES:
            yield f"weight decay {decay}", replace(longer, weight_decay=decay), 0, frameworks[0]


def about(settings: Settings, command: str) -> dict[str, Any]:
    """Where a record is from."""
    return {"schema": SCHEMA, **how(settings=asdict(settings)), "command": command}


def summary(runs: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """By framework and milestone, median and range over the seeds."""
    rows = [run for run in runs if run["name"] == SEEDS]
    return {
        framework: {
            name: vars(spread(run["milestones"][name] for run in rows if run["framework"] == framework))
            for name in rows[0]["milestones"]
        }
        for framework in dict.fromkeys(run["framework"] for run in rows)
    }
