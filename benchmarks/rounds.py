"""One instrument for all: contestants alive side by side, sampled in turn, in another order each round."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.batches import unlike
from benchmarks.errors import BenchmarkError
from benchmarks.processes import Process
from benchmarks.workloads import Workload

SECONDS = 0.3  # that a sample should fill
MACHINE = "machine"  # takes its turn as a contestant does
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """A contestant with what it is to do."""

    contestant: str
    """Of `benchmarks.contestants.ENTRIES`."""
    workload: Workload
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of its `build`, on top of its entry's."""


@dataclass
class Measured:
    """What came of it."""

    contestants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name: facts, and a sample a round."""
    machine: list[dict[str, Any]] = field(default_factory=list)
    """What the machine can do, a row a round."""
    device: str | None = None
    """The accelerator, if there is one."""
    failed: dict[str, str] = field(default_factory=dict)
    """Contestants that could not be measured, and why."""


def measure(cases: Mapping[str, Case], rounds: int, seed: int, tell: Tell) -> Measured:
    """Build them one after the other, when all are there, then sample them round by round.

    ``tell`` hears what is being done.
    """
    found = Measured()
    with ExitStack() as alive:
        machine = alive.enter_context(Process("benchmarks.machine", {}))
        processes = {
            name: alive.enter_context(Process("benchmarks.worker", arguments(case, seed)))
            for name, case in cases.items()
        }

        @contextmanager
        def or_left_out(name: str) -> Iterator[None]:
            try:
                yield
            except BenchmarkError as error:
                found.failed[name] = str(error)
                processes[name].close()

        tell("imports")
        machine.hear()
        for name in cases:
            with or_left_out(name):
                processes[name].hear()
        found.device = machine.ask("device")["name"]
        for name in [name for name in cases if name not in found.failed]:
            tell(f"builds {name}")
            with or_left_out(name):
                found.contestants[name] = {**processes[name].ask("build"), "samples": []}
        for number, order in enumerate(shuffled([MACHINE, *found.contestants], rounds, seed), start=1):
            for name in order:
                tell(f"round {number} of {rounds}: {name}")
                if name == MACHINE:
                    found.machine.append(machine.ask("rates"))
                else:
                    facts = found.contestants[name]
                    steps = steps_of(cases[name].workload, facts["step_seconds"])
                    facts["samples"].append(processes[name].ask("sample", steps=steps))
        for name, facts in found.contestants.items():
            facts |= processes[name].ask("memory")
    return found


def arguments(case: Case, seed: int) -> dict[str, Any]:
    """Of its process."""
    return {
        "name": case.contestant,
        "workload": asdict(case.workload),
        "seed": seed,
        "settings": dict(case.settings),
    }


def shuffled(names: Sequence[str], rounds: int, seed: int) -> list[list[str]]:
    """The order in which each round takes all of them."""
    drawn = random.Random(seed)
    return [drawn.sample(list(names), len(names)) for _ in range(rounds)]


def steps_of(workload: Workload, seconds: float) -> int:
    """Steps of a sample, of so many seconds each: whole passes over the batches where their widths differ."""
    whole = unlike(workload)
    return whole * max(1, round(SECONDS / seconds / whole))
