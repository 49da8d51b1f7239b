"""The parity check of one twin: both modes, all checks, one list of checks."""

from collections.abc import Iterator

import numpy as np

from parity_tests.core.compare import BFLOAT16_FACTOR, BOUNDS, Check, compare_bfloat16, compare_traces
from parity_tests.core.isolate import Isolation, isolate
from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Params
from parity_tests.twins.catalogue import TWINS, Twin
from parity_tests.twins.names import names_of
from parity_tests.twins.run import initial_params, jax_program, run_jax, run_torch

TRAINING = " in training"  # ends the name of a model that was compared with its dropout on
DRAWS = 4  # of inputs and dropout in bfloat16: one would be judged by luck


def check_twin(
    twin: Twin, dtype: str, seed: int = 0, evaluation: bool = True, params: Params | None = None
) -> list[Check]:
    """Hold PyTorch's twin against Flax's: in evaluation, and with dropout on where it has any.

    Without ``evaluation``, a twin that has dropout is compared with it alone. ``params`` are those to compare
    at, flat, in Flax's layout; otherwise they are drawn.

    In bfloat16 several inputs are tried, each with dropout of its own, at the same weights.
    """
    params = params or initial_params(twin, twin.inputs(np.random.default_rng(seed)), seed)
    program = jax_program(twin, dtype)
    checks = []

    def run(number: int, dropout_seed: int | None) -> tuple[Trace, Trace, Trace]:
        """What float64, Flax and PyTorch make of one draw. The exact one is PyTorch's, the quicker."""
        inputs = twin.inputs(np.random.default_rng(seed + number))
        key = None if dropout_seed is None else dropout_seed + number
        candidate = run_torch(twin, params, inputs, dtype, key)
        exact = candidate if dtype == "float64" else run_torch(twin, params, inputs, "float64", key)
        return exact, program(params, inputs, key), candidate

    for name, dropout_seed in list(modes(twin, seed))[0 if evaluation else -1 :]:
        if dtype == "bfloat16":
            draws = [run(number, dropout_seed) for number in range(DRAWS)]
            checks += compare_bfloat16(name, draws, BFLOAT16_FACTOR)
        else:
            exact, reference, candidate = run(0, dropout_seed)
            bound = BOUNDS[dtype][twin.whole_model]
            truth = None if dtype == "float64" else exact
            checks += compare_traces(name, reference, candidate, dtype, bound, truth)
    return checks


def isolate_twin(
    twin: Twin, checks: list[Check], seed: int = 0, params: Params | None = None
) -> list[Isolation]:
    """Tell apart what diverges and what is downstream, for each mode of a twin that failed in these checks.

    PyTorch's twin runs once more with every piece reading Flax's values. bfloat16 has no bounds for single
    taps, so nothing is isolated there.
    """
    failed = {check.model: check.dtype for check in checks if not check.passed}
    inputs = twin.inputs(np.random.default_rng(seed))
    params = params or initial_params(twin, inputs, seed)
    isolations = []
    for name, dropout_seed in modes(twin, seed):
        if failed.get(name) in BOUNDS:
            dtype = failed[name]
            reference = run_jax(twin, params, inputs, dtype, dropout_seed)
            free = run_torch(twin, params, inputs, dtype, dropout_seed)
            forced = run_torch(twin, params, inputs, dtype, dropout_seed, reference.arrays["tap"])
            tap_errors = isolate(reference, free, forced, BOUNDS[dtype][twin.whole_model])
            isolations.append(Isolation(name, dtype, tap_errors))
    return isolations


def modes(twin: Twin, seed: int) -> Iterator[tuple[str, int | None]]:
    """The names under which a twin is compared, with the seed of its dropout (None: evaluation)."""
    yield twin.name, None
    if twin.has_dropout:
        yield twin.name + TRAINING, seed


def find_twins(name: str) -> list[Twin]:
    """The twin of this name, or all of them. Raises UnknownTwin."""
    names = names_of(name)
    return [twin for twin in TWINS if twin.name in names]
