"""A JAX model as one side of a pair: its weights, and running it with what its parts compute."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax.core.tracers import current_trace

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.arrays import Inputs, Params, numbers
from parity_tests.runners.calls import just_call, model_name, not_taken, takes_taps
from parity_tests.runners.changes import NO_CHANGES, Changes, changed
from parity_tests.runners.jax_heard import heard, listening
from parity_tests.runners.jax_kinds import Kind, kind_of
from parity_tests.runners.jax_numerics import jax_numerics
from parity_tests.runners.jax_program import Program
from parity_tests.runners.recorder import Recorder, check_forced


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
    traced: Any = field(default=None, repr=False)
    """What `init` would make of a linen module without params, where it was traced already."""
    programs: dict[Any, Program] | None = field(default=None, repr=False, compare=False)
    """What has run, to run again; None to keep nothing, as the model may change between runs."""
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

    def known(self, inputs: Inputs) -> "JaxModel":
        """The same, traced and compiled once for these inputs: for as long as the model stays as it is."""
        traced = None if self.params is not None else self._kind(inputs).params
        return replace(self, traced=traced, programs={})

    def state(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """What it keeps beside its weights, such as running statistics: by path in its collection."""
        return {name: numbers(leaf) for name, leaf in _state(self._kind(inputs)).items()}

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        """The parameters' shapes; a linen module's without params are those that its `init` would make."""
        return {name: tuple(leaf.shape) for name, leaf in _weights(self._kind(inputs).tree()).items()}

    def not_taken(self, inputs: Iterable[str]) -> list[str]:
        """The names of inputs that are no arguments."""
        return not_taken(self.call or self.model, inputs)

    def run(
        self,
        weights: Params,
        inputs: Inputs,
        dtype: str,
        forced: Arrays | None = None,
        changes: Changes = NO_CHANGES,
    ) -> Trace:
        """Forward with taps and backward from a fixed cotangent, on the CPU.

        What ``weights`` has of the model's state takes the place of its own, and gets no gradients. With
        ``forced`` the model goes on with these values where it has computed the taps of these names; there
        are no gradients then. ``changes`` make the model's weights of those of their names, before which the
        gradients are taken.
        """
        state = [name for name in _state(self._kind(inputs)) if name in weights]
        run = self._program(inputs, dtype, changes, state)
        trace = run(weights, inputs, forced)
        check_forced(forced, trace)
        return trace

    def _program(
        self, inputs: Inputs, dtype: str, changes: Changes, state: list[str]
    ) -> Callable[..., Trace]:
        """The model as one program, or op by op where it cannot be one; that of before, where it is kept.

        ``state`` names what in the weights is the model's state.
        """
        programs = {} if self.programs is None else self.programs
        shapes = tuple((name, array.shape, str(array.dtype)) for name, array in inputs.items())
        key = (dtype, self.call, tuple(changes.items()), shapes, tuple(state))
        if key not in programs:
            programs[key] = Program(partial(self._computed, inputs, changes, state), self.name, dtype, state)
        return programs[key]

    def _computed(
        self,
        inputs: Inputs,
        changes: Changes,
        state: list[str],
        weights: Mapping[str, Any],
        arguments: Mapping[str, Any],
        recorder: Recorder,
        heard_apart: Callable[[], None],
    ) -> Any:
        """What the model returns, its parts recorded; ``heard_apart`` is told of one in its own trace."""
        kind, call = self._kind(inputs), self.call or just_call
        if state:
            kind = kind.with_state(_put_state(kind, {name: weights[name] for name in state}))
        outside = current_trace()

        def record(name: str, output: Any, arguments: list[Any]) -> Any:
            # What is traced apart (under vmap or remat) cannot leave its own trace.
            apart = current_trace() != outside
            if apart:
                heard_apart()
            return recorder.record(name, output, arguments, heard if apart else None)

        tap = recorder.argument(self.call or self.model)
        listen = _unrecorded if tap else record
        own = {name: array for name, array in weights.items() if name not in state}
        made = changed(own, changes, self.shapes(inputs))
        # Inline, what is under jit and scan too: what was compiled before has not heard of taps.
        with jax.disable_jit(), listening(recorder.kept):
            return kind.run(with_weights(kind.tree(), made), call, {**arguments, **tap}, listen)

    def _kind(self, inputs: Inputs) -> Kind:
        """The model with params, which have shapes for weights where there are none yet."""
        kind = kind_of(self.model, self.params)
        if self.params is not None or not kind.needs_params:
            return kind
        if self.traced is not None:
            return replace(kind, params=self.traced)
        tap = {"tap": lambda name, value, axes: value} if takes_taps(self.call or self.model) else {}
        with jax_numerics("float64", foreign=True):
            arguments = {name: jnp.asarray(array) for name, array in inputs.items()} | tap
            return replace(kind, params=kind.initial(self.call or just_call, arguments))


def _state(kind: Kind) -> dict[str, Any]:
    """The floating arrays of a model's state by path."""
    return {name: leaf for collection in kind.state().values() for name, leaf in _weights(collection).items()}


def _put_state(kind: Kind, state: Params) -> dict[str, Any]:
    """The model's state with these values in their places."""
    return {name: with_weights(collection, state) for name, collection in kind.state().items()}


def _unrecorded(name: str, output: Any, arguments: list[Any]) -> Any:
    return output


def _weights(tree: Any) -> dict[str, Any]:
    """The floating arrays of a pytree by path."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]
        if jnp.issubdtype(getattr(leaf, "dtype", np.void), jnp.floating)
    }


def with_weights(tree: Any, weights: Mapping[str, Any]) -> Any:
    """The pytree with other weights; what is no weight stays."""

    def new(path: Any, leaf: Any) -> Any:
        return weights.get(jax.tree_util.keystr(path, simple=True, separator="/"), leaf)

    return jax.tree_util.tree_map_with_path(new, tree)
