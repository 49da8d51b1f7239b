"""One instrument for all: contestants alive side by side, sampled in turn, in another order each round."""

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.batches import COUNT
from benchmarks.errors import BenchmarkError
from benchmarks.processes import Process
from benchmarks.workloads import Workload

SECONDS = 0.3  # that a sample should fill
MACHINE = "machine"  # takes its turn as a contestant does
Tell = Callable[[str], None]


@dataclass
class Measured:
    """What came of a workload."""

    contestants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name: facts, and a sample a round."""
    machine: list[dict[str, Any]] = field(default_factory=list)
    """What the machine can do, a row a round."""
    device: str | None = None
    """The accelerator, if there is one."""
    failed: dict[str, str] = field(default_factory=dict)
    """Contestants that could not be measured, and why."""


def measure(workload: Workload, names: Sequence[str], rounds: int, seed: int, tell: Tell) -> Measured:
    """Build them one after the other, then sample them round by round; ``tell`` hears what is being done."""
    found = Measured()
    with ExitStack() as alive:
        machine = alive.enter_context(Process("benchmarks.machine", {}))
        processes = {
            name: alive.enter_context(
                Process("benchmarks.worker", {"name": name, "workload": asdict(workload), "seed": seed})
            )
            for name in names
        }
        tell("imports")
        machine.hear()
        found.device = machine.ask("device")["name"]
        for name in names:
            tell(f"builds {name}")
            try:
                processes[name].hear()
                found.contestants[name] = {**processes[name].ask("build"), "samples": []}
            except BenchmarkError as error:
                found.failed[name] = str(error)
                processes[name].close()
        for number, order in enumerate(shuffled([MACHINE, *found.contestants], rounds, seed), start=1):
            for name in order:
                tell(f"round {number} of {rounds}: {name}")
                if name == MACHINE:
                    found.machine.append(machine.ask("rates"))
                else:
                    facts = found.contestants[name]
                    steps = steps_of(workload, facts["step_seconds"])
                    facts["samples"].append(processes[name].ask("sample", steps=steps))
        for name, facts in found.contestants.items():
            facts |= processes[name].ask("memory")
    return found


def shuffled(names: Sequence[str], rounds: int, seed: int) -> list[list[str]]:
    """The order in which each round takes all of them."""
    drawn = random.Random(seed)
    return [drawn.sample(list(names), len(names)) for _ in range(rounds)]


def steps_of(workload: Workload, seconds: float) -> int:
    """Steps of a sample, of so many seconds each: whole passes over the batches where their widths differ."""
    whole = COUNT if workload.kind in ("classifier", "inference") else 1
    return whole * max(1, round(SECONDS / seconds / whole))
