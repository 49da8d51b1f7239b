"""A JAX model as one side of a pair: its weights, and running it with what its parts compute."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax.core.tracers import current_trace

from parity_tests.core.trace import Trace
from parity_tests.runners.jax_kinds import Kind, kind_of
from parity_tests.runners.numerics import jax_numerics
from parity_tests.runners.recorder import Recorder, just_call, model_name, named_outputs
from parity_tests.twins.inputs import Inputs
from parity_tests.twins.run import Params, cotangent, numbers, split_floats, takes_taps


@dataclass(frozen=True)
class JaxModel:
    """A model, its parameters where it does not hold them, and how to call it.

    The model is a linen module (``params`` is what `init` returns, or what that has under "params"), an nnx
    module, a function of (params, **inputs), or a callable pytree whose floating leaves are its weights, as
    Equinox has them. A linen module's other collections (running statistics) keep their values; those of one
    without params are what `init` makes of them with key 0.
    ``call(model, **inputs)`` is by default ``model(**inputs)``; a linen module is bound and a function has
    its parameters there.
    """

    model: Any
    params: Any = None
    call: Callable[..., Any] | None = None
    framework: ClassVar[str] = "flax"

    @property
    def name(self) -> str:
        return model_name(self.model)

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters by path ("layers/0/kernel"), as float64."""
        kind = kind_of(self.model, self.params)
        if kind.needs_params and self.params is None:
            raise ValueError(f"{self.name} has no weights: give JaxModel(model, params)")
        return {name: numbers(leaf) for name, leaf in _weights(kind.tree()).items()}

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        """The parameters' shapes; a linen module's without params are those that its `init` would make."""
        return {name: tuple(leaf.shape) for name, leaf in _weights(self._kind(inputs).tree()).items()}

    def run(
        self,
        weights: Params,
        inputs: Inputs,
        dtype: str,
        forced: Mapping[str, np.ndarray] | None = None,
    ) -> Trace:
        """Forward with taps and backward from a fixed cotangent, op by op on the CPU.

        Not compiled, as a program would be compiled for this one run alone. With ``forced`` the model goes on
        with these values where it has computed the taps of these names; there are no gradients then.
        """
        kind = self._kind(inputs)
        tree = kind.tree()
        floats, others = split_floats(inputs)
        recorder = Recorder(
            forced, jax.Array, lambda value: value, lambda value, computed: jnp.asarray(value, computed.dtype)
        )

        def forward(weights: Any, floats: Any) -> Any:
            outside = current_trace()

            def record(name: str, output: Any) -> Any:
                # What is traced apart (under jit, vmap, scan or remat) cannot leave its own trace.
                return recorder.record(name, output) if current_trace() == outside else output

            arguments = {name: jnp.asarray(array) for name, array in others.items()} | floats
            if takes_taps(self.call or self.model):
                arguments["tap"], record = recorder.tap, _unrecorded
            output = kind.run(_with_weights(tree, weights), self.call or just_call, arguments, record)
            recorder.check_forced()
            return named_outputs(output, jax.Array, self.name), recorder.values

        with _numerics(dtype):
            arrays = jax.tree.map(lambda array: jnp.asarray(array, dtype), (dict(weights), floats))
            gradients: tuple[Any, Any] = {}, {}
            if forced:
                output, taps = forward(*arrays)
            else:
                output, backward, taps = jax.vjp(forward, *arrays, has_aux=True)
                if any(jnp.issubdtype(array.dtype, jnp.floating) for array in output.values()):
                    gradients = backward({name: _cotangent(array) for name, array in output.items()})
        return Trace(
            {
                "forward": {name: numbers(array) for name, array in output.items()},
                "tap": {name: numbers(taps[name]) for name in recorder.values},
                "input gradient": {name: numbers(array) for name, array in gradients[1].items()},
                "parameter gradient": {name: numbers(array) for name, array in gradients[0].items()},
            },
            recorder.axes,
        )

    def _kind(self, inputs: Inputs) -> Kind:
        """The model with params, which have shapes for weights where there are none yet."""
        kind = kind_of(self.model, self.params)
        if self.params is not None or not kind.needs_params:
            return kind
        tap = {"tap": lambda name, value, axes: value} if takes_taps(self.call or self.model) else {}
        with _numerics("float64"):
            arguments = {name: jnp.asarray(array) for name, array in inputs.items()} | tap
            return replace(kind, params=kind.initial(self.call or just_call, arguments))


@contextmanager
def _numerics(dtype: str) -> Iterator[None]:
    """On the CPU in every precision; and Flax's own layers mix dtypes and ranks."""
    with (
        jax_numerics(dtype),
        jax.default_device(jax.devices("cpu")[0]),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        yield


def _cotangent(output: jax.Array) -> Any:
    """Of an output that is no float it has JAX's own dtype, and says nothing."""
    if jnp.issubdtype(output.dtype, jnp.floating):
        return jnp.asarray(cotangent(output.shape), output.dtype)
    return np.zeros(output.shape, jax.dtypes.float0)


def _unrecorded(name: str, output: Any) -> Any:
    return output


def _weights(tree: Any) -> dict[str, Any]:
    """The floating arrays of a pytree by path."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]
        if jnp.issubdtype(getattr(leaf, "dtype", np.void), jnp.floating)
    }


def _with_weights(tree: Any, weights: Mapping[str, Any]) -> Any:
    """The pytree with other weights; what is no weight stays."""

    def new(path: Any, leaf: Any) -> Any:
        return weights.get(jax.tree_util.keystr(path, simple=True, separator="/"), leaf)

    return jax.tree_util.tree_map_with_path(new, tree)
