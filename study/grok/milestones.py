"""When a run passes what is asked of it, and how its seeds spread."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

TRAIN, TEST_90, TEST_95 = "99 % train", "90 % test", "95 % test"
ACCURACIES = {
    TRAIN: ("train_accuracy", 0.99),
    TEST_90: ("test_accuracy", 0.9),
    TEST_95: ("test_accuracy", 0.95),
}
RESTRICTED, TEST_LOSS = "restricted loss halved", "test loss halved"
LOSSES = {RESTRICTED: "restricted_loss", TEST_LOSS: "test_loss"}


def milestones(curve: Mapping[str, Sequence[float]], prime: int) -> dict[str, int | None]:
    """The step of the first evaluation at which each is so; None: at none.

    An accuracy is at least so large; a loss is below half of log(prime), that of guessing.
    """
    found = {name: first(curve, column, at_least=share) for name, (column, share) in ACCURACIES.items()}
    half = math.log(prime) / 2.0
    losses = {name: column for name, column in LOSSES.items() if column in curve}
    return found | {name: first(curve, column, below=half) for name, column in losses.items()}


def first(
    curve: Mapping[str, Sequence[float]], column: str, at_least: float = -math.inf, below: float = math.inf
) -> int | None:
    """The step of the first evaluation at which a column's value is in this range."""
    pairs = zip(curve["step"], curve[column], strict=True)
    return next((int(step) for step, value in pairs if at_least <= value < below), None)


@dataclass(frozen=True)
class Spread:
    """Of the steps of several seeds; None: not within the run."""

    median: float | None
    least: int | None
    most: int | None

    def __str__(self) -> str:
        if self.least is None:
            return "never"
        median, least, most = (
            "never" if number is None else f"{number:,.0f}" for number in vars(self).values()
        )
        return median if least == most else f"{median} ({least} to {most})"


def spread(steps: Iterable[int | None]) -> Spread:
    """Median and range; a seed that never came there is later than all others."""
    numbers = np.array([math.inf if step is None else step for step in steps])
    found = (float(np.median(numbers)), numbers.min(), numbers.max())
    median, least, most = (None if math.isinf(number) else number for number in found)
    return Spread(median, None if least is None else int(least), None if most is None else int(most))
