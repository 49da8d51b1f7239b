"""How a training step's time and memory grow with a model's sizes: `python -m benchmarks.growth`.

It measures for five minutes, writes the record, draws the picture and puts the table into docs/speed.md.
Time is that of the processor, all on one core: what a step works, which no threads hide, nor other processes.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import load
from benchmarks.batches import batches_of
from benchmarks.errors import BenchmarkError
from benchmarks.growth_count import step_bytes
from benchmarks.growth_figures import FRAMEWORKS, curves, excesses, table
from benchmarks.growth_picture import draw
from benchmarks.page import between
from benchmarks.progress import quiet_progress, shown
from benchmarks.record import in_words
from benchmarks.rounds import Case, Measured
from benchmarks.workloads import Workload, step_flops
from study.record import few, record
from train.runs.durable import write_json

ROOT = Path(__file__).parents[1]
RESULTS, DOCS = ROOT / "benchmarks" / "results" / "growth.json", ROOT / "docs"
BEGIN = "<!-- from growth.json -->\n"
BASE = Workload(
    name="growth", kind="gpt", layers=2, embed=128, heads=4, length=128, batch=4, vocab=2048
)  # every axis begins from it
AXES = {
    "length": (64, 128, 256, 512, 1024),
    "embed": (32, 64, 128, 256, 512),
    "layers": (1, 2, 4, 8, 16),
    "vocab": (2048, 4096, 8192, 16384, 32768),
    "batch": (2, 4, 8, 16, 32),
}
SMALLEST = replace(BASE, layers=1, embed=8, heads=1, length=8, batch=1, vocab=8)
ROUNDS, SEED = 3, 0


def main() -> None:
    """Measure axis after axis, the record written after each; draw; say where growth is too much."""
    if load.peak_memory() is None:
        raise SystemExit("benchmarks.growth: memory is read in /proc, which is not there; run it on Linux")
    one_core()
    console, rows, rates = Console(), [], []
    with quiet_progress(console) as progress:
        own = own_bytes(shown(progress, "the frameworks", cases(SMALLEST, "layers", (1,)), 1, SEED))
        for axis, sizes in AXES.items():
            measured = shown(progress, axis, cases(BASE, axis, sizes), ROUNDS, SEED)
            rows += rows_of(BASE, axis, sizes, measured)
            rates += measured.machine
            found = record(
                command="python -m benchmarks.growth",
                machine=in_words(measured.device),
                seed=SEED,
                base=asdict(BASE),
                own_bytes=own,
                rates=rates,
                rows=rows,
            )
            write_json(RESULTS, found)
    draw(found, DOCS / "pictures" / "growth.png")
    page = DOCS / "speed.md"
    page.write_text(between(page.read_text("utf-8"), BEGIN, table(found)), "utf-8")
    console.print(table(found), *excesses(curves(found)), sep="\n", highlight=False, soft_wrap=True)


def one_core() -> None:
    """For this process and all that it starts; no accelerator, of whose work the processor tells nothing."""
    os.environ |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def at(base: Workload, axis: str, size: int) -> Workload:
    """The base with one size changed; heads keep their width, as GPT-2's do."""
    sizes: dict[str, Any] = {axis: size}
    if axis == "embed":
        sizes["heads"] = size * base.heads // base.embed
    return replace(base, **sizes)


def cases(base: Workload, axis: str, sizes: Sequence[int]) -> dict[str, Case]:
    """Both frameworks at each size, with the settings that they have by default."""
    return {
        f"{FRAMEWORKS[framework]}, {size:,}": Case(framework, at(base, axis, size), {"plain": True})
        for framework in FRAMEWORKS
        for size in sizes
    }


def own_bytes(measured: Measured) -> dict[str, int]:
    """What each framework takes for the smallest of models: its programs, and what it keeps for later."""
    return {
        framework: facts["step_memory_bytes"]
        for framework, facts in zip(FRAMEWORKS, whole(measured), strict=True)
    }


def whole(measured: Measured) -> list[dict[str, Any]]:
    """The facts of all cases, in their order. Raises BenchmarkError where one could not be measured."""
    for case, why in measured.failed.items():
        raise BenchmarkError(f"{case}: {why}")
    return list(measured.contestants.values())


def rows_of(base: Workload, axis: str, sizes: Sequence[int], measured: Measured) -> list[dict[str, Any]]:
    """What was measured beside what is expected, a row a case."""
    rows = []
    points = [(framework, size) for framework in FRAMEWORKS for size in sizes]
    for (framework, size), facts in zip(points, whole(measured), strict=True):
        workload = at(base, axis, size)
        rows.append(
            {
                "axis": axis,
                "size": size,
                "framework": framework,
                "tokens": workload.batch * workload.length,
                "parameters": facts["parameters"],
                "flops": step_flops(workload, batches_of(workload, SEED)),
                "bytes": step_bytes(workload, facts["parameters"]),
                "seconds": [few(each["cpu_seconds"] / each["steps"]) for each in facts["samples"]],
                "memory_bytes": facts["step_memory_bytes"],
            }
        )
    return rows


if __name__ == "__main__":
    main()
