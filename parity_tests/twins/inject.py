"""Planting a mistake and trying whether it is found: a check that cannot fail is worthless.

The comparison must fail, and must name the place where the defect was planted: the tap or the parameter, or
the first one after it.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any
from unittest.mock import patch

import numpy as np

from parity_tests.core.compare import BOUNDS, Reading, Record, compare_records, first_divergence
from parity_tests.core.defect_results import Trial
from parity_tests.core.isolate import Isolation, isolate
from parity_tests.twins.catalogue import Inputs, Twin
from parity_tests.twins.run import Params, initial_params, run_jax, run_torch

Plant = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Defect:
    """One mistake: the twin it is planted in, how, and the name where the comparison must find it.

    ``plant`` makes a context in which PyTorch's twin has the mistake. ``in_training`` compares with the
    dropout on.
    """

    name: str
    twin: Twin
    plant: Plant
    located: str
    in_training: bool = False
    dtype: str = "float64"

    @property
    def bound(self) -> float:
        return BOUNDS[self.dtype][self.twin.whole_model]


def try_defect(defect: Defect, seed: int = 0) -> Trial:
    """Compare the twin as it is, then with the defect planted."""

    def readings() -> list[Reading]:
        candidate = _torch_side(defect, seed)
        return compare_records(defect.name, reference, candidate, defect.dtype, defect.bound)

    reference = _jax_side(defect.twin, defect.dtype, seed, defect.in_training)[2]
    healthy = max(reading.max_rel_error for reading in readings())
    with defect.plant():
        parted = first_divergence(readings())
    planted, found = (parted.max_rel_error, parted.name) if parted else (healthy, None)
    return Trial(defect.name, healthy, planted, defect.bound, found, defect.located)


def isolate_defect(defect: Defect, seed: int = 0) -> Isolation:
    """With the defect planted: what parts by itself, and what inherits."""
    reference = _jax_side(defect.twin, defect.dtype, seed, defect.in_training)[2]
    with defect.plant():
        free, forced = _torch_side(defect, seed), _torch_side(defect, seed, reference.arrays["tap"])
    return Isolation(defect.name, defect.dtype, isolate(reference, free, forced, defect.bound))


def instead(owner: Any, name: str, wrong: Callable[..., Any]) -> Plant:
    """Call ``wrong(original, *arguments)`` instead of the function or method of this name."""
    original = getattr(owner, name)

    @wraps(original)
    def replacement(*arguments: Any, **keywords: Any) -> Any:
        return wrong(original, *arguments, **keywords)

    return lambda: patch.object(owner, name, replacement)


@lru_cache(maxsize=8)
def _jax_side(twin: Twin, dtype: str, seed: int, in_training: bool) -> tuple[Inputs, Params, Record]:
    """Inputs, parameters and Flax's record, which stay healthy and serve many defects."""
    inputs = twin.inputs(np.random.default_rng(seed))
    params = initial_params(twin, inputs, seed)
    return inputs, params, run_jax(twin, params, inputs, dtype, seed if in_training else None)


def _torch_side(defect: Defect, seed: int, forced: Mapping[str, np.ndarray] | None = None) -> Record:
    """PyTorch's record, as it is at the moment."""
    inputs, params, _ = _jax_side(defect.twin, defect.dtype, seed, defect.in_training)
    dropout_seed = seed if defect.in_training else None
    return run_torch(defect.twin, params, inputs, defect.dtype, dropout_seed, forced)
