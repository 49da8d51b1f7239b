"""What was measured, on file: every sample, with how it came about."""

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.batches import batches_of
from benchmarks.fairness import doubts
from benchmarks.rounds import Measured
from benchmarks.workloads import WORKLOADS, Workload, step_flops
from train.runs.durable import replacing, write_json
from train.sizes import cores

RESULTS = Path("benchmarks/results")
NUMBERS = ("no", "one", "two", "three", "four")


def record_of(
    workload: Workload, seed: int, measured: Measured, left_out: Mapping[str, str]
) -> dict[str, Any]:
    """The record of a workload; ``left_out`` has contestants that were not tried, and why."""
    versions = {"python": sys.version.split()[0]}
    for facts in measured.contestants.values():
        versions |= facts.pop("versions")
    return {
        "command": shlex.join(["twinformer", *sys.argv[1:]]),
        "versions": versions,
        "machine": in_words(measured.device),
        "date": date.today().isoformat(),
        "seed": seed,
        "workload": asdict(workload),
        "flops": step_flops(workload, batches_of(workload, seed)),
        "left_out": {**left_out, **measured.failed},
        "doubts": doubts(workload, measured.contestants),
        "rates": measured.machine,
        "contestants": measured.contestants,
    }


def in_words(device: str | None) -> str:
    """The machine: "two CPU cores", after the accelerator if there is one."""
    count = cores()
    number = NUMBERS[count] if count < len(NUMBERS) else str(count)
    processors = f"{number} CPU core{'s' if count > 1 else ''}"
    return processors if device is None else f"{device}, {processors}"


def write(folder: Path, record: Mapping[str, Any]) -> Path:
    """Into the folder, under the workload's name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record['workload']['name']}.json"
    with replacing(path) as partial:
        write_json(partial, record)
    return path


def read_all(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """The records of a folder, in the order of the workloads."""
    paths = [folder / f"{name}.json" for name in WORKLOADS]
    return [json.loads(path.read_text("utf-8")) for path in paths if path.exists()]
