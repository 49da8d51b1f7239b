"""The one runner of JAX: any callable, forward with taps and then backward, into a trace."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.arrays import Inputs, Params, cotangent, named_outputs, numbers, split_floats
from parity_tests.runners.jax_numerics import compiler_options, jax_numerics
from parity_tests.runners.recorder import Recorder

# (weights by name, arguments by name, what records the taps) -> what the model returns
Model = Callable[[Mapping[str, jax.Array], Mapping[str, Any], Recorder], Any]
MakeKey = Callable[[], Any]
Run = Callable[..., Trace]


def runner(model: Model, name: str, dtype: str, compiled: bool = False, foreign: bool = False) -> Run:
    """A model ready to run on inputs after inputs: forward with taps and backward from a fixed cotangent.

    What is returned is called with (params, inputs, rng=None, forced=None). ``rng`` makes the argument of
    this name. With ``forced``, values of taps by name, the model goes on with these where it has computed the
    taps; there are no gradients then.

    ``compiled``, it is one program, and shapes that it has seen are not compiled again. Otherwise it runs op
    by op, for what cannot be one program. ``foreign`` is as in `jax_numerics`.
    """
    axes: dict[str, str] = {}  # in the order of execution, which a program's results have not

    def forward(weights: Any, floats: Any, others: Any, forced: Any) -> Any:
        recorder = Recorder(
            forced, jax.Array, lambda value: value, lambda value, computed: jnp.asarray(value, computed.dtype)
        )
        output = model(weights, {**others, **floats}, recorder)
        axes.update(recorder.axes)
        return named_outputs(output, jax.Array, name), (recorder.values, recorder.reads)

    def both(weights: Any, floats: Any, others: Any, forced: Any) -> Any:
        if forced:
            return *forward(weights, floats, others, forced), ({}, {})
        free = partial(forward, others=others, forced=forced)
        output, backward, taps = jax.vjp(free, weights, floats, has_aux=True)
        if not any(jnp.issubdtype(array.dtype, jnp.floating) for array in output.values()):
            return output, taps, ({}, {})
        return output, taps, backward({name: _cotangent(array) for name, array in output.items()})

    program = jax.jit(both, compiler_options=compiler_options()) if compiled else both

    def run(
        params: Params, inputs: Inputs, rng: MakeKey | None = None, forced: Arrays | None = None
    ) -> Trace:
        floats, others = split_floats(inputs)
        with jax_numerics(dtype, foreign):
            fixed = {name: jnp.asarray(array) for name, array in others.items()}
            if rng is not None:
                fixed["rng"] = rng()
            output, (taps, reads), (gradients, input_gradients) = program(
                {name: jnp.asarray(array, dtype) for name, array in params.items()},
                {name: jnp.asarray(array, dtype) for name, array in floats.items()},
                fixed,
                dict(forced or {}),
            )
        return Trace(
            {
                "forward": {name: numbers(array) for name, array in output.items()},
                "tap": {name: numbers(taps[name]) for name in axes},
                "input gradient": {name: numbers(array) for name, array in input_gradients.items()},
                "parameter gradient": {name: numbers(gradients[name]) for name in params if gradients},
            },
            dict(axes),
            {name: [numbers(array) for array in reads[name]] for name in axes},
        )

    return run


def _cotangent(output: jax.Array) -> Any:
    """Of an output that is no float it has JAX's own dtype, and says nothing."""
    if jnp.issubdtype(output.dtype, jnp.floating):
        return jnp.asarray(cotangent(output.shape), output.dtype)
    return np.zeros(output.shape, jax.dtypes.float0)
