"""Running one of our twins in either framework, into a trace under Flax's names."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax.traverse_util import flatten_dict, unflatten_dict

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners import torch_runner
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.runners.jax_runner import runner
from parity_tests.runners.recorder import Recorder
from parity_tests.twins.inputs import Twin
from torch_impl import convert, random
from torch_impl.initializers import initialise

LARGE = 10_000  # numbers in a matrix


def initial_params(twin: Twin, inputs: Inputs, seed: int) -> dict[str, np.ndarray]:
    """Flat parameters to compare twins at: those that Flax draws, in its order of declaration, plus noise.

    PyTorch draws the same numbers to the bit, and compiles nothing for it.
    """
    module, mirror = twin.build("jax_impl"), twin.build("torch_impl")
    if isinstance(module, partial):
        return {}
    names: list[str] = []

    def declare(arguments: Mapping[str, jax.Array]) -> None:
        names.extend(flatten_dict(module.init(jax.random.key(seed), **arguments).get("params", {}), sep="/"))

    jax.eval_shape(declare, {name: jnp.asarray(array) for name, array in inputs.items()})
    initialise(mirror, random.key(seed))
    drawn = convert.save(mirror)
    return with_noise({name: drawn[name] for name in names}, seed)


def with_noise(params: Params, seed: int) -> dict[str, np.ndarray]:
    """Flat parameters with noise, in float64.

    Without it, biases would be zero and scales one, and many a mistake would not show. Large matrices get
    less: 0.1 on 768 inputs saturates every softmax, and its gradients become rounding noise.
    """
    rng = np.random.default_rng(seed)
    return {
        name: array.astype(np.float64)
        + (0.1 if array.size < LARGE else 0.02) * rng.standard_normal(array.shape)
        for name, array in params.items()
    }


def run_jax(twin: Twin, params: Params, inputs: Inputs, dtype: str, dropout_seed: int | None = None) -> Trace:
    """Forward with taps, and backward from a fixed cotangent, in Flax, compiled as one program."""
    return jax_program(twin, dtype)(params, inputs, dropout_seed)


def jax_program(twin: Twin, dtype: str) -> Callable[[Params, Inputs, int | None], Trace]:
    """`run_jax` for inputs after inputs: shapes that it has seen are not compiled again."""
    module = twin.build("jax_impl")

    def model(weights: Mapping[str, Any], arguments: Mapping[str, Any], recorder: Recorder) -> Any:
        keywords = {**arguments, **recorder.argument(module)}
        if isinstance(module, partial):
            return module(**keywords)
        return module.apply({"params": unflatten_dict(weights, sep="/")}, **keywords)

    run = runner(model, twin.name, dtype, compiled=True)

    def with_dropout(params: Params, inputs: Inputs, dropout_seed: int | None) -> Trace:
        return run(params, inputs, None if dropout_seed is None else partial(jax.random.key, dropout_seed))

    return with_dropout


def run_torch(
    twin: Twin,
    params: Params,
    inputs: Inputs,
    dtype: str,
    dropout_seed: int | None = None,
    forced: Arrays | None = None,
) -> Trace:
    """The same in PyTorch, op by op, on the GPU where there is one; float64 on the CPU.

    With ``forced``, values of taps by name, the model goes on with these instead of its own: what a tap then
    records was computed from the forced values before it. Forward only; a tap not named keeps its value.
    """
    module = twin.build("torch_impl")
    is_module = isinstance(module, torch.nn.Module)

    def prepare(
        params: Params, device: torch.device, kind: torch.dtype, recorder: Recorder
    ) -> tuple[Callable[..., Any], dict[str, torch.Tensor]]:
        if is_module:
            convert.load(module, params)
            module.to(device, kind)
        leaves = dict(module.named_parameters()) if is_module else {}
        return partial(module, **recorder.argument(module)), leaves

    rng = None if dropout_seed is None else partial(random.key, dropout_seed)
    trace = torch_runner.run(prepare, twin.name, params, inputs, dtype, rng, forced)
    gradients = trace.arrays["parameter gradient"]
    trace.arrays["parameter gradient"] = convert.to_flax(
        gradients, convert.axis_sizes(module) if is_module else {}
    )
    return trace
