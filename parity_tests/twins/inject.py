"""Injecting a mistake and trying whether it is found: a check that cannot fail is worthless.

The comparison must fail, and must name the place where the defect was injected: the tap or the parameter, or
the first one after it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any
from unittest.mock import patch

import numpy as np

from parity_tests.core.compare import BOUNDS, Check, compare_traces, first_divergence
from parity_tests.core.defect_results import DefectResult
from parity_tests.core.isolate import Isolation, isolate
from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.twins.inputs import Twin
from parity_tests.twins.run import initial_params, run_jax, run_torch

Inject = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Defect:
    """One mistake: the twin it is injected in, how, and the name where the comparison must find it.

    ``inject`` makes a context in which PyTorch's twin has the mistake. ``in_training`` compares with the
    dropout on.
    """

    name: str
    twin: Twin
    inject: Inject
    located: str
    in_training: bool = False
    dtype: str = "float64"

    @property
    def bound(self) -> float:
        return BOUNDS[self.dtype][self.twin.whole_model]


def try_defect(defect: Defect, seed: int = 0) -> DefectResult:
    """Compare the twin as it is, then with the defect injected."""
    healthy = healthy_error(defect, seed)
    with defect.inject():
        parted = first_divergence(_checks(defect, seed))
    injected, found = (parted.max_rel_error, parted.name) if parted else (healthy, None)
    return DefectResult(defect.name, healthy, injected, defect.bound, found, defect.located)


def healthy_error(defect: Defect, seed: int = 0) -> float:
    """The largest error of the twin without the defect, relative to each array's largest magnitude."""
    return max(check.max_rel_error for check in _checks(defect, seed))


def _checks(defect: Defect, seed: int) -> list[Check]:
    """PyTorch's trace, as it is at the moment, against Flax's."""
    reference = jax_side(defect.twin, defect.dtype, seed, defect.in_training)[2]
    return compare_traces(defect.name, reference, torch_side(defect, seed), defect.dtype, defect.bound)


def isolate_defect(defect: Defect, seed: int = 0) -> Isolation:
    """With the defect injected: what diverges by itself, and what inherits."""
    reference = jax_side(defect.twin, defect.dtype, seed, defect.in_training)[2]
    with defect.inject():
        free, forced = torch_side(defect, seed), torch_side(defect, seed, reference.arrays["tap"])
    return Isolation(defect.name, defect.dtype, isolate(reference, free, forced, defect.bound))


def patched(owner: Any, name: str, wrong: Callable[..., Any]) -> Inject:
    """Call ``wrong(original, *arguments)`` instead of the function or method of this name.

    The original is what is there when the mistake is injected, so that one can be injected upon another.
    """

    @contextmanager
    def inject() -> Iterator[None]:
        original = getattr(owner, name)
        replacement = wraps(original)(lambda *arguments, **keywords: wrong(original, *arguments, **keywords))
        with patch.object(owner, name, replacement):
            yield

    return inject


@lru_cache(maxsize=8)
def jax_side(twin: Twin, dtype: str, seed: int, in_training: bool) -> tuple[Inputs, Params, Trace]:
    """Inputs, parameters and Flax's trace, which stay healthy and serve many defects."""
    inputs = twin.inputs(np.random.default_rng(seed))
    params = initial_params(twin, inputs, seed)
    return inputs, params, run_jax(twin, params, inputs, dtype, seed if in_training else None)


def torch_side(defect: Defect, seed: int, forced: Arrays | None = None) -> Trace:
    """PyTorch's trace, as it is at the moment."""
    inputs, params, _ = jax_side(defect.twin, defect.dtype, seed, defect.in_training)
    dropout_seed = seed if defect.in_training else None
    return run_torch(defect.twin, params, inputs, defect.dtype, dropout_seed, forced)
