"""A recorded reference as one side of a pair: it gives what it has on file, and runs nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parity_tests.core.trace import KINDS, Arrays, Trace
from parity_tests.record.contract import Contract
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.runners.changes import NO_CHANGES, Changes


class RecordError(ValueError):
    """A file that is no recorded reference, or one that does not go with what it is compared with."""


@dataclass(frozen=True)
class Recorded:
    """The reference, with its arrays by kind and name."""

    path: Path
    contract: Contract
    arrays: Mapping[str, Mapping[str, np.ndarray]]
    reads: Mapping[str, list[np.ndarray]]

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def framework(self) -> str:
        return self.contract.framework

    @property
    def inputs(self) -> Inputs:
        return dict(self.arrays["input"])

    @property
    def has_weights(self) -> bool:
        """Whether they are in the file, and not their digests alone."""
        return self.arrays["parameter"].keys() == self.contract.digests.keys()

    def weights(self) -> dict[str, np.ndarray]:
        return dict(self.arrays["parameter"])

    def known(self, inputs: Inputs) -> "Recorded":
        return self

    def state(self, inputs: Inputs) -> dict[str, np.ndarray]:
        return dict(self.arrays["state"])

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        return {name: tuple(shape) for name, shape in self.contract.shapes.items()}

    def not_taken(self, inputs: Iterable[str]) -> list[str]:
        return [name for name in inputs if name not in self.arrays["input"]]

    def run(
        self,
        weights: Params,
        inputs: Inputs,
        dtype: str,
        forced: Arrays | None = None,
        changes: Changes = NO_CHANGES,
    ) -> Trace:
        """The trace on file, which is of its own weights, inputs and dtype."""
        arrays = {kind: dict(self.arrays[kind]) for kind in KINDS}
        return Trace(arrays, dict(self.contract.axes), dict(self.reads))
