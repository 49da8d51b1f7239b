"""What a run's time goes to: steps, waiting for input, compiling; and the memory that it takes."""

import math
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from data import Batch
from train.loops.ahead import Ahead
from train.loops.backend import Backend, Trainer

NAME = "speed.jsonl"
WORTH_A_LOOK = 0.05  # share of the time that input takes
Shapes = dict[str, tuple[int, ...]]


@dataclass
class Spent:
    """By some steps. Those for which something was compiled are in ``compiling`` alone."""

    tokens: int = 0
    """That the model read, the source's where there are two texts; padding is among them."""
    seconds: float = 0.0
    waiting: float = 0.0
    """Seconds of these in which the next batch was not there yet."""
    compiling: float = 0.0
    programs: int = 0

    def rates(self) -> dict[str, float | None]:
        """Tokens a second and the share of time that input took; None where nothing was timed."""
        timed = self.tokens > 0
        return {
            "tokens_per_second": round(self.tokens / self.seconds, 1) if timed else None,
            "input_share": round(min(self.waiting / self.seconds, 1.0), 4) if timed else None,
        }


class Meter:
    """Stands between a trainer and its input, and takes the time of both."""

    def __init__(self, loop: Backend, ready: Ahead, planned: Iterable[Batch]) -> None:
        """``planned``: a batch of each shape that the run is known to have."""
        self._loop, self._ready = loop, ready
        self._known = [_shapes(batch) for batch in planned]
        self._new: list[Shapes] = []
        self._read = 0  # tokens of the step at hand
        self.whole = Spent()
        self.restart()

    def stream(self, number: int) -> Batch:
        """The batch of this number, for the trainer."""
        batch = self._ready(number)
        self._read += math.prod(batch[0].shape)
        if (shapes := _shapes(batch)) not in self._known:
            self._known.append(shapes)
            self._new.append(shapes)
        return batch

    def step(self, trainer: Trainer, number: int) -> tuple[dict[str, Any], str | None]:
        """Take a step; its metrics, and a warning if it was compiled for a shape that nobody planned."""
        programs, waited, begun = self._loop.programs_compiled(), self._ready.waited, time.perf_counter()
        metrics = trainer.step(number)
        took, new, read = time.perf_counter() - begun, self._new, self._read
        self._new, self._read = [], 0
        if compiled := self._loop.programs_compiled() - programs:
            self._now.compiling += took
            self._now.programs += compiled
            return metrics, _warning(number, new, took) if new else None
        self._now.tokens += read
        self._now.waiting += self._ready.waited - waited
        return metrics, None

    def look(self) -> Spent:
        """What was spent since the last look."""
        now, whole = self._now, self.whole
        now.seconds = time.perf_counter() - self._begun - now.compiling
        for name, value in vars(now).items():
            setattr(whole, name, getattr(whole, name) + value)
        self.restart()
        return now

    def restart(self) -> None:
        """Count from now on: what was done between two steps is none of their time."""
        self._now, self._begun = Spent(), time.perf_counter()

    def report(self) -> dict[str, Any]:
        """Of all looks, and the process's and the device's largest memory, in bytes, where they say it."""
        return {
            **self.whole.rates(),
            "programs_compiled": self.whole.programs,
            "compile_seconds": round(self.whole.compiling, 1),
            "peak_memory": {"process": _peak_memory(), "device": self._loop.peak_device_memory()},
        }

    def peak(self) -> int | None:
        """The largest memory so far, in bytes: the device's, where it has its own, or the process's."""
        return self._loop.peak_device_memory() or _peak_memory()


def in_short(rates: dict[str, float | None], memory: int | None = None) -> str:
    """The speed and memory for a progress bar, with the wait for input where that is worth a look."""
    tokens, share = rates["tokens_per_second"], rates["input_share"]
    if tokens is None or share is None:
        return ""
    waits = f", {share:.0%} waits for input" if share > WORTH_A_LOOK else ""
    return f", {tokens:,.0f} tokens/s{waits}" + (f", {memory / 2**30:.1f} GiB" if memory else "")


def describe(speed: dict[str, Any]) -> str:
    """A meter's report in one line."""
    parts = []
    if speed["tokens_per_second"]:
        parts.append(f"{speed['tokens_per_second']:,.0f} tokens a second")
        parts.append(f"{speed['input_share']:.1%} of the time waiting for input")
    if speed["programs_compiled"]:
        parts.append(f"{speed['programs_compiled']} programs compiled in {speed['compile_seconds']} s")
    for where, peak in speed["peak_memory"].items():
        if peak:
            parts.append(f"{peak / 2**30:.2f} GiB of the {where}'s memory at most")
    return ", ".join(parts)


def _shapes(batch: Batch) -> Shapes:
    return {name: tuple(array.shape) for name, array in batch._asdict().items()}


def _warning(step: int, new: list[Shapes], seconds: float) -> str:
    batches = "; ".join(", ".join(f"{name} {shape}" for name, shape in shapes.items()) for shapes in new)
    return (
        f"Step {step} has a shape of batch that was not planned ({batches}): compiling took {seconds:.1f} s."
    )


def _peak_memory() -> int | None:
    """Of the process since it began; Windows does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
