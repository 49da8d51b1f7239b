"""What the runners' models have in common, and a recorded one too: one side of a pair."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import numpy as np

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.runners.changes import NO_CHANGES, Changes


@runtime_checkable
class Side(Protocol):
    """A model as one side of a pair, as `TorchModel`, `JaxModel` and `Recorded` are."""

    @property
    def name(self) -> str:
        """What the model is called in a report."""

    @property
    def framework(self) -> str:
        """Whose parameters' names and layout it has: "flax" or "torch"."""

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters by name, as float64."""

    def known(self, inputs: Inputs) -> "Side":
        """The same, which has found out once what these inputs say of its parameters."""

    def state(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """What the model keeps beside its parameters, by name: running statistics, as float64."""

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        """The parameters' shapes by name."""

    def not_taken(self, inputs: Iterable[str]) -> list[str]:
        """The names of inputs that are no arguments of the model."""

    def run(
        self,
        weights: Params,
        inputs: Inputs,
        dtype: str,
        forced: Arrays | None = None,
        changes: Changes = NO_CHANGES,
    ) -> Trace:
        """What the model computes with these weights."""
