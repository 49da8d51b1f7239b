"""A contestant's process: `python -m benchmarks.worker`."""

import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

from benchmarks import load
from benchmarks.batches import batches_of, unlike
from benchmarks.contestants import ENTRIES, Contestant, cross_entropy
from benchmarks.serve import serve
from benchmarks.workloads import Workload
from train.loops.memory import keep_freed_memory

WARM = 0.5  # seconds of steps before the first sample; all shapes are seen in any case


class Worker:
    """Answers the questions about one contestant."""

    def __init__(self, name: str, workload: dict[str, Any], seed: int, settings: dict[str, Any]) -> None:
        """``settings`` of its `build` come on top of its entry's."""
        self.entry, self.workload = ENTRIES[name], Workload(**workload)
        self.settings = {**self.entry.settings, **settings}
        self.batches = batches_of(self.workload, seed)
        self.module = import_module(f"benchmarks.contestants.{self.entry.module}")
        self.number = 0

    def build(self) -> dict[str, Any]:
        """Build the model, take the first step and some more, and say what came of it."""
        self.before = load.resident_memory()
        self.contestant: Contestant = self.module.build(self.workload, self.batches, **self.settings)
        seconds, first = self._timed(1)
        facts = {
            "parameters": self.contestant.parameters,
            "versions": {package: version(package) for package in self.entry.packages},
            "first_step_seconds": seconds,
            **self._said(first),
        }
        warm = 0.0
        while warm < WARM or self.number < unlike(self.workload):
            seconds, _ = self._timed(1)
            warm += seconds
        return facts | {"step_seconds": seconds}

    def sample(self, steps: int) -> dict[str, Any]:
        """So many steps, one after the other, and one wait at their end."""
        meter = load.Meter()
        seconds, _ = self._timed(steps)
        return {"steps": steps, "seconds": seconds, **meter.read(seconds)}

    def memory(self) -> dict[str, Any]:
        """The most that the process has held beyond what it had when the model was asked for: since then, and
        in one step more, when all that was needed to begin is given back."""
        most = self._beyond()
        load.forget_peak()
        self._timed(1)
        return {"memory_bytes": most, "step_memory_bytes": self._beyond()}

    def _beyond(self) -> int | None:
        peak = load.peak_memory()
        return None if peak is None or self.before is None else peak - self.before

    def _timed(self, steps: int) -> tuple[float, Any]:
        begin = time.perf_counter()
        for number in range(self.number, self.number + steps):
            result = self.contestant.step(number)
        self.contestant.wait(result)
        seconds = time.perf_counter() - begin
        self.number += steps
        return seconds, result

    def _said(self, result: Any) -> dict[str, Any]:
        """What shows that the first step was the step that was asked for."""
        value = self.contestant.read(result)
        if self.workload.kind == "generate":
            return {"shape": list(value.shape)}
        if self.workload.kind == "inference":
            value = cross_entropy(value, getattr(self.batches[0], "labels"))  # noqa: B009
        return {"first_loss": float(value)}


if __name__ == "__main__":
    keep_freed_memory()  # before a framework's threads start; all alike
    serve(Worker)
