"""A JAX model as one side of a pair: its weights, and running it with what its parts compute."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax.core.tracers import current_trace

from parity_tests.compare import Record
from parity_tests.inputs import Inputs
from parity_tests.jax_kinds import kind_of
from parity_tests.listener import Listener, just_call, model_name, named_outputs
from parity_tests.run import Params, cotangent, numbers, split_floats, takes_taps


@dataclass(frozen=True)
class JaxModel:
    """A model, its parameters where it does not hold them, and how to call it.

    The model is a linen module (``params`` is what `init` has under "params"), an nnx module, a function of
    (params, **inputs), or a callable pytree whose floating leaves are its weights, as Equinox has them.
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
        kind = kind_of(self.model)
        if kind.needs_params and self.params is None:
            raise ValueError(f"{self.name} has no weights: give JaxModel(model, params)")
        return {name: numbers(leaf) for name, leaf in _weights(kind.tree(self.model, self.params)).items()}

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        """The parameters' shapes; a linen module's without params are those that its `init` would make."""
        return {name: tuple(leaf.shape) for name, leaf in _weights(self._tree(inputs)).items()}

    def run(
        self,
        weights: Params,
        inputs: Inputs,
        dtype: str,
        forced: Mapping[str, np.ndarray] | None = None,
    ) -> Record:
        """Forward with taps and backward from a fixed cotangent, compiled as one program for the CPU.

        With ``forced`` the model goes on with these values where it has computed the taps of these names;
        there are no gradients then.
        """
        kind, tree = kind_of(self.model), self._tree(inputs)
        floats, others = split_floats(inputs)
        heard: list[Listener] = []

        def forward(weights: Any, floats: Any) -> Any:
            listener = Listener(forced, jax.Array, lambda value, computed: jnp.asarray(value, computed.dtype))
            heard.append(listener)
            outside = current_trace()

            def hear(name: str, output: Any) -> Any:
                # What is traced apart (under scan or remat) cannot leave its own trace.
                return listener.hear(name, output) if current_trace() == outside else output

            arguments = {name: jnp.asarray(array) for name, array in others.items()} | floats
            if takes_taps(self.call or self.model):
                arguments["tap"], hear = listener.tap, _deaf
            output = kind.run(
                self.model, _with_weights(tree, weights), self.call or just_call, arguments, hear
            )
            listener.check_forced()
            return named_outputs(output, jax.Array, self.name), list(listener.values.values())

        @jax.jit
        def both(weights: Any, floats: Any) -> Any:
            if forced:
                return *forward(weights, floats), ({}, {})
            output, vjp, taps = jax.vjp(forward, weights, floats, has_aux=True)
            if not all(jnp.issubdtype(array.dtype, jnp.floating) for array in output.values()):
                return output, taps, ({}, {})
            cotangents = {n: jnp.asarray(cotangent(a.shape), a.dtype) for n, a in output.items()}
            return output, taps, vjp(cotangents)

        with _numerics(dtype):
            arrays = jax.tree.map(lambda array: jnp.asarray(array, dtype), (dict(weights), floats))
            output, taps, (parameter_gradients, input_gradients) = both(*arrays)
        return Record(
            {
                "forward": {name: numbers(array) for name, array in output.items()},
                "tap": {name: numbers(a) for name, a in zip(heard[0].values, taps, strict=True)},
                "input gradient": {name: numbers(array) for name, array in input_gradients.items()},
                "parameter gradient": {name: numbers(array) for name, array in parameter_gradients.items()},
            },
            heard[0].axes,
        )

    def _tree(self, inputs: Inputs) -> Any:
        """The pytree that holds the weights, or their shapes where there are none yet."""
        kind = kind_of(self.model)
        if self.params is None and kind.needs_params:
            tap = {"tap": lambda name, value, axes: value} if takes_taps(self.call or self.model) else {}
            with _numerics("float64"):
                arguments = {name: jnp.asarray(array) for name, array in inputs.items()} | tap
                return kind.initial(self.model, self.call or just_call, arguments)
        return kind.tree(self.model, self.params)


@contextmanager
def _numerics(dtype: str) -> Iterator[None]:
    """Full precision; and Flax's own layers mix dtypes and ranks."""
    with (
        jax.default_device(jax.devices("cpu")[0]),
        jax.enable_x64(dtype == "float64"),
        jax.default_matmul_precision("highest"),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        yield


def _deaf(name: str, output: Any) -> Any:
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
