"""The runs below a folder with their figures, read off their files; no framework is needed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from train.config import FRAMEWORKS, Config, Framework
from train.runs import lock, metrics, plan, used, verify
from train.runs.errors import CheckpointError, RunError
from train.runs.files import read_config, read_model
from train.runs.untrusted import parse_json, read_json, read_text

REPORT = 1 << 28  # bytes of a report, or of a file with a line a step, at most
LOSS = "validation_loss"


@dataclass(frozen=True)
class Listed:
    """A run in one framework, or an imported one. None: not known, or not yet."""

    run: str
    written: str
    """When its files last changed, as a local time."""
    state: str
    """finished, interrupted, running, imported; or changed, where a file is not as it was written."""
    family: str
    data: str | None = None
    framework: Framework | None = None
    steps: int | None = None
    """That were taken and saved."""
    planned: int | None = None
    """The steps of the whole run, where they were given."""
    seconds: float | None = None
    tokens_per_second: float | None = None
    validation: dict[str, int | float] | None = None
    """The best by its loss, with the step after which it was."""
    test: dict[str, float] | None = None


def listed(folder: Path) -> tuple[list[Listed], list[str]]:
    """All runs in a folder and below it, newest first; and a line for each that cannot be read.

    Whether a run was changed is asked of all its files but the weights, which `verify` reads.

    Raises RunError where there is no folder.
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is no folder: give the one that holds runs")
    rows: list[Listed] = []
    broken = []
    for run in found(folder):
        try:
            rows += [*_rows(run)]
        except (RunError, CheckpointError) as error:
            broken.append(str(error))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            broken.append(f"{run} cannot be read ({error!r:.200}): see 'twinformer verify {run}'")
    return sorted(rows, key=lambda row: (row.written, row.run), reverse=True), broken


def found(folder: Path) -> Iterator[Path]:
    """The runs in a folder and below it. A run is not looked into, nor is what is hidden."""
    seen = set()
    for place, folders, _ in os.walk(folder, followlinks=True):
        state = os.stat(place)
        if (state.st_dev, state.st_ino) in seen:  # a link back
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        if used.is_run(Path(place)):
            folders.clear()
            yield Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def _rows(run: Path) -> Iterator[Listed]:
    """A run in each of its frameworks."""
    if not plan.is_planned(run) and not (run / "config.json").is_file():
        state = "changed" if _changed(run, run) else "imported"
        yield Listed(str(run), _written(run), state, read_model(run)[0].name)
        return
    config = read_config(run)
    frameworks = (
        plan.read_plan(run).frameworks
        if plan.is_planned(run)
        else tuple(name for name in FRAMEWORKS if (run / name).is_dir())  # of version 0.1
    )
    changed, unfinished = _changed(run, run), "running" if lock.is_owned(run) else "interrupted"
    for framework in frameworks:
        place = run / framework
        finished = (place / "report.json").is_file()
        state = "finished" if finished else unfinished
        yield Listed(
            run=str(run),
            written=_written(run, place),
            state="changed" if changed or _changed(run, place) else state,
            family=config.family,
            data=config.data,
            framework=framework,
            validation=_best(place / metrics.NAME),
            **(_reported(place) if finished else _so_far(run, framework, config)),
        )


def _reported(place: Path) -> dict[str, Any]:
    """What a framework's report has of the figures."""
    report = read_json(place / "report.json", REPORT)
    steps = int(report["steps"])
    return {
        "steps": steps,
        "planned": steps,
        "seconds": float(report["seconds"]),
        "tokens_per_second": _number(report.get("speed", {}).get("tokens_per_second")),
        "test": {name: float(value) for name, value in report["trained"].items()},
    }


def _so_far(run: Path, framework: Framework, config: Config) -> dict[str, Any]:
    """What is known of them before there is a report."""
    rates = _lines(run / framework / "speed.jsonl", "tokens_per_second")
    return {
        "steps": used.steps_saved(run).get(framework, 0),
        "planned": config.steps,
        "tokens_per_second": _number(rates[-1]["tokens_per_second"]) if rates else None,
    }


def _written(*places: Path) -> str:
    """When a file in one of these folders last changed."""
    times = [_time(path) for place in places if place.is_dir() for path in place.iterdir()]
    return datetime.fromtimestamp(max(times)).astimezone().isoformat(timespec="seconds")


def _time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # it was written aside, and took its place just now
        return 0.0


def _changed(run: Path, place: Path) -> bool:
    """Whether a file in this place, weights aside, is not as it was written."""
    return any(finding.wrong for finding in verify.reports(run, place, quick=True))


def _lines(path: Path, word: str) -> list[dict[str, Any]]:
    """The whole lines of a file that have a word in them."""
    if not path.is_file():
        return []
    lines = read_text(path, REPORT).splitlines(keepends=True)
    return [parse_json(line) for line in lines if word in line and line.endswith("\n")]


def _best(path: Path) -> dict[str, int | float] | None:
    """The validation of the smallest loss."""
    rows = [row for row in _lines(path, LOSS) if LOSS in row]
    if not rows:
        return None
    best = min(rows, key=lambda row: float(row[LOSS]))
    names = {name.removeprefix("validation_"): value for name, value in best.items() if name != "step"}
    return {"step": int(best["step"]) + 1, **{name: float(value) for name, value in names.items()}}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
