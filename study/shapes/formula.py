"""How a model's sizes and operations depend on batch and length, for a page that reckons by itself.

Both are polynomials in the two: found from a few traces at small sizes, and held against one more.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.twins.names import UnknownTwin
from study.shapes.atlas import atlas
from study.shapes.subject import Subject
from study.shapes.trace import in_jax, weights
from train.config import ConfigError

TERMS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2))  # powers of batch and of length
SAMPLES = ((1, 4), (1, 5), (1, 6), (2, 4), (2, 5), (2, 6))
PROBE = (3, 9)


@dataclass(frozen=True)
class Variant:
    """The model with one number of heads: coefficients of `TERMS`, in the order of its taps."""

    heads: int | None
    sizes: list[list[list[int]]]
    """By tap and axis."""
    operations: list[list[int]]
    """By tap; the last is what comes after them."""
    parameters: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        return vars(self)


def variants(subject: Subject) -> list[Variant]:
    """The model as it is, and with each other number of heads that its width has room for."""
    arguments = subject.twin.arguments
    heads, embed = arguments.get("heads"), arguments.get("embed")
    if heads is None or embed is None:
        return [variant(subject, heads)]
    fixed = arguments.get("kv_heads") is not None or arguments.get("head_dim") is not None
    numbers = [heads] if fixed else [number for number in range(1, embed + 1) if embed % number == 0]
    found = []
    for number in numbers:
        try:
            changed = subject if number == heads else subject.changed(*SAMPLES[0], heads=number)
            found.append(variant(changed, number))
        except (ConfigError, UnknownTwin, ValueError):  # rotary positions turn pairs of numbers
            if number == heads:
                raise
    return found


def variant(subject: Subject, heads: int | None) -> Variant:
    """The polynomials of one model. Raises ValueError where they are none."""
    params = weights(subject)  # which do not depend on the two
    samples = [in_jax(subject.changed(*size), params, xla=False) for size in SAMPLES]
    probe = atlas(subject.changed(*PROBE), xla=False)
    shapes = [[one.shape for one in sample.taps.values()] for sample in samples]
    sizes = [
        [coefficients([taps[tap][axis] for taps in shapes], size) for axis, size in enumerate(row.jax)]
        for tap, row in enumerate(probe.taps)
    ]
    work = [[stretch.total for stretch in sample.stretches] for sample in samples]
    expected = [*(row.work.total for row in probe.taps), probe.rest.total]
    operations = [coefficients([row[place] for row in work], total) for place, total in enumerate(expected)]
    parameters = [
        {
            "jax": list(row.jax),
            "torch": list(row.torch),
            "stored": row.stored and list(row.stored.shape),
            "count": row.count,
        }
        for row in probe.parameters
    ]
    return Variant(heads, sizes, operations, parameters)


def coefficients(values: list[int], expected: int) -> list[int]:
    """Whole coefficients of `TERMS` that give these values at `SAMPLES`, and the expected one at `PROBE`."""
    powers = np.array([[b**i * t**j for i, j in TERMS] for b, t in SAMPLES], float)
    found = [round(number) for number in np.linalg.solve(powers, np.array(values, float))]
    if at(found, *PROBE) != expected or [at(found, *size) for size in SAMPLES] != values:
        raise ValueError(f"{values} and {expected} are no polynomial in batch and length")
    return found


def at(found: list[int], batch: int, length: int) -> int:
    """A polynomial's value."""
    return sum(c * batch**i * length**j for c, (i, j) in zip(found, TERMS, strict=True))
