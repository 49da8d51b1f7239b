"""The rows of the atlas: what a model computes in order of execution, what it has learned, and totals."""

import math
import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from study.shapes.flops import Stretch
from study.shapes.subject import Subject
from study.shapes.trace import Shape, in_jax, in_torch, weights
from torch_impl.convert.engine import places
from torch_impl.convert.stored import Stored
from torch_impl.convert.table import TABLE

REST = "(after the last tap)"


@dataclass(frozen=True)
class TapRow:
    """One tap."""

    name: str
    axes: tuple[str, ...]
    jax: Shape
    torch: Shape
    dtype: str
    work: Stretch
    """What is computed up to it, since the tap before."""

    @property
    def bytes(self) -> int:
        return math.prod(self.jax) * np.dtype(self.dtype).itemsize

    @property
    def sizes(self) -> dict[str, int]:
        return dict(zip(self.axes, self.jax, strict=True))


@dataclass(frozen=True)
class ParameterRow:
    """One parameter: its name and shape in each framework, and the pattern from Flax's to the other."""

    jax_name: str
    torch_name: str
    jax: Shape
    torch: Shape
    pattern: str
    stored: Stored | None = None
    """Where a checkpoint of Hugging Face keeps it; None where none does."""

    @property
    def count(self) -> int:
        return math.prod(self.jax)

    @property
    def transposed(self) -> bool:
        """Whether PyTorch keeps the transpose of what the formula x W says."""
        return turned(self.pattern)

    @property
    def stored_transposed(self) -> bool:
        """Whether a checkpoint of Hugging Face does."""
        return self.stored is not None and turned(self.stored.axes)


def turned(pattern: str) -> bool:
    """Whether the two sides of an einops pattern have their axes in different orders."""
    left, right = (re.findall(r"\w+", side) for side in pattern.split("->"))
    return left != right


@dataclass(frozen=True)
class Atlas:
    """A model's shapes in both frameworks."""

    name: str
    taps: tuple[TapRow, ...]
    parameters: tuple[ParameterRow, ...]
    rest: Stretch
    """What is computed after the last tap."""
    xla: float | None
    """All operations as XLA counts them."""
    kind: str = ""
    """Of its checkpoints at Hugging Face: "gpt2". Nothing where no model there computes the same."""

    @property
    def matmul(self) -> int:
        return sum(row.work.matmul for row in self.taps) + self.rest.matmul

    @property
    def operations(self) -> int:
        return sum(row.work.total for row in self.taps) + self.rest.total

    @property
    def parameter_count(self) -> int:
        return sum(row.count for row in self.parameters)

    def to_json(self) -> dict[str, Any]:
        """All of it, for a program."""
        return {
            "schema": 1,
            "name": self.name,
            "taps": [
                {
                    "name": row.name,
                    "axes": row.axes,
                    "jax": row.jax,
                    "torch": row.torch,
                    "dtype": row.dtype,
                    "bytes": row.bytes,
                    "matmul": row.work.matmul,
                    "operations": row.work.total,
                }
                for row in self.taps
            ],
            "parameters": [
                {
                    "jax_name": row.jax_name,
                    "torch_name": row.torch_name,
                    "jax": row.jax,
                    "torch": row.torch,
                    "pattern": row.pattern,
                    "transposed": row.transposed,
                    "stored": row.stored and {**row.stored._asdict(), "transposed": row.stored_transposed},
                }
                for row in self.parameters
            ],
            "kind": self.kind,
            "parameter_count": self.parameter_count,
            "matmul": self.matmul,
            "operations": self.operations,
            "xla": self.xla,
        }


def atlas(subject: Subject, xla: bool = True) -> Atlas:
    """Run both twins on shapes alone. Raises ValueError where they tap other values, or none."""
    ours, theirs = in_jax(subject, weights(subject), xla), in_torch(subject)
    for name, other in zip_longest(ours.taps, theirs.taps, fillvalue="nothing"):
        if name != other:
            raise ValueError(f"{subject.name}: JAX taps {name} where PyTorch taps {other}")
    *works, rest = ours.stretches
    rows = [
        TapRow(name, tuple(ours.axes[name].split()), one.shape, theirs.taps[name].shape, one.dtype, work)
        for (name, one), work in zip(ours.taps.items(), works, strict=True)
    ]
    parameters = _parameters(ours.params, theirs.params, subject.stored())
    kind = subject.theirs.kind if subject.theirs else ""
    return Atlas(subject.name, tuple(rows), parameters, rest, ours.xla, kind)


def _parameters(
    ours: dict[str, Shape], theirs: dict[str, Shape], stored: dict[str, Stored]
) -> tuple[ParameterRow, ...]:
    """Flax's parameters with their counterparts in PyTorch, by the converter's table, in PyTorch's order."""
    found = {}
    for (row, path), (name,) in places(ours, "flax", TABLE).items():
        (other,) = row.names("torch", path)
        found[other] = ParameterRow(name, other, ours[name], theirs[other], str(row.axes), stored.get(name))
    return tuple(found[name] for name in theirs)
