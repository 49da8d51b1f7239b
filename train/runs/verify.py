"""Whether a run's folder is what its run wrote, file by file; no framework is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from train.config import FRAMEWORKS
from train.runs import checkpoint, digests, metrics, used
from train.runs.files import RunError
from train.runs.untrusted import read_json

WRITTEN, UNKNOWN = "as it was written", "of before version 0.2: nothing says how it was written"


class Finding(NamedTuple):
    """What is known of a file."""

    file: str
    text: str
    wrong: bool = False


def verify(run: Path) -> list[Finding]:
    """All files of a run, each with whether it is as it was written.

    Raises RunError where there is no run.
    """
    if not used.is_run(run):
        raise RunError(f"{run} is no run: give the folder that train or import wrote")
    places = [place for place in (run, *(run / name for name in FRAMEWORKS)) if place.is_dir()]
    found = [finding for place in places for finding in _checkpoints(run, place)]
    found += [finding for place in places for finding in reports(run, place)]
    worst = {finding.file: finding for finding in sorted(found, key=lambda one: one.wrong)}
    return sorted(worst.values())


def _checkpoints(run: Path, place: Path) -> Iterator[Finding]:
    """The checkpoints of a place, and the files that the last one names."""
    for path in (place / checkpoint.NAME, *checkpoint.older(place)):
        if not path.is_file():
            continue
        name = str(path.relative_to(run))
        try:
            about = checkpoint.read_whole(path)
        except checkpoint.CheckpointError as error:
            yield Finding(name, str(error), True)
            continue
        if digests.SEAL not in about:
            lost = checkpoint.digested(run)
            yield Finding(name, "has lost its digests" if lost else UNKNOWN, lost)
            continue
        step = f", after step {about['step']}" if "step" in about else ""
        yield Finding(name, f"{WRITTEN}: {len(about['tensors'])} tensors{step}")
        if path.name == checkpoint.NAME:
            for file, digest in (about.get("files") or {}).items():
                yield _file(run, run / file, digest)
            if about.get("metrics"):
                yield _metrics(run, place, about)


def _metrics(run: Path, place: Path, about: dict[str, Any]) -> Finding:
    name = str((place / metrics.NAME).relative_to(run))
    try:
        metrics.written_by(place, about["step"], about["metrics"])
    except (checkpoint.CheckpointError, OSError) as error:
        return Finding(name, str(error), True)
    return Finding(name, f"{WRITTEN}, up to step {about['step']}")


def reports(run: Path, place: Path, quick: bool = False) -> Iterator[Finding]:
    """The reports of a place, and the files that they name; ``quick``: the weights are not read, and
    parity.json is looked at as one of the files that the run's report names."""
    evaluations = (f"evaluation-{framework}.json" for framework in FRAMEWORKS)
    names = ("run.json", "report.json", "parity.json", *evaluations)
    for path in (place / name for name in names):
        if not path.is_file() or (quick and path.name == "parity.json"):
            continue
        name = str(path.relative_to(run))
        try:
            fields = read_json(path, 1 << 28)
        except RunError as error:
            yield Finding(name, str(error), True)
            continue
        if digests.SEAL not in fields:
            yield Finding(name, UNKNOWN)
        elif not digests.is_sealed(fields):
            yield Finding(name, "was changed after it was written", True)
        else:
            yield Finding(name, WRITTEN)
            for file, digest in (fields.get("files") or {}).items():
                if not (quick and file == checkpoint.NAME):
                    yield _file(run, place / file, digest)


def _file(run: Path, path: Path, digest: str) -> Finding:
    name = str(path.relative_to(run))
    if not path.is_file():
        return Finding(name, "is missing", True)
    if digests.of_file(path) != digest:
        return Finding(name, "is not the file that was written", True)
    return Finding(name, WRITTEN)
