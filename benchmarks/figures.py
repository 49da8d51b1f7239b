"""What a record's samples come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.contestants import OURS


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, the least and the greatest."""

    median: float
    least: float
    greatest: float


@dataclass(frozen=True)
class Row:
    """A contestant's figures."""

    name: str
    seconds: Spread
    """Of a step."""
    ratio: float | None
    """Its time over ours, round by round: the median. None: ours was not measured."""
    share: float
    """Its model FLOPs over what the machine's matmul did in the same time, round by round: the median."""
    compile_seconds: float
    """The first step less a later one."""
    memory_bytes: int | None
    others: float | None
    """The share of the machine that other processes took during its samples: the median."""


def spread(values: list[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def rows(record: Mapping[str, Any]) -> list[Row]:
    """One a contestant, the fastest first."""
    times = {name: seconds(facts) for name, facts in record["contestants"].items()}
    ours = times.get(OURS)
    matmul = [max(rates["matmul"].values()) for rates in record["rates"]]
    found = []
    for name, facts in record["contestants"].items():
        its = times[name]
        others = [sample["others"] for sample in facts["samples"]]
        found.append(
            Row(
                name,
                spread(its),
                None if ours is None else median(a / b for a, b in zip(its, ours, strict=True)),
                median(record["flops"] / (t * rate) for t, rate in zip(its, matmul, strict=True)),
                max(0.0, facts["first_step_seconds"] - median(its)),
                facts["memory_bytes"],
                None if None in others else median(others),
            )
        )
    return sorted(found, key=lambda row: row.seconds.median)


def seconds(facts: Mapping[str, Any]) -> list[float]:
    """Of a step, a number a round."""
    return [sample["seconds"] / sample["steps"] for sample in facts["samples"]]
