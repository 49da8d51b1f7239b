"""The kinds of JAX model: where each has its weights, how it runs, and how its parts are recorded."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

from parity_tests.runners.jax_parts import RecordOutput, TreeNames, recording_calls
from parity_tests.runners.recorder import replaced

HEARD_AS = "_heard_as"  # where an nnx module has its path while it runs
Call = Callable[..., Any]
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A model and its parameters, if it does not hold them itself."""

    model: Any
    params: Any
    needs_params: ClassVar[bool] = True

    def tree(self) -> Any:
        """The pytree whose floating leaves are the weights."""
        return self.params

    def state(self) -> Any:
        """The pytree that holds what a model keeps beside its weights; empty for those that keep nothing."""
        return {}

    def with_state(self, state: Any) -> "Kind":
        """The same with other state."""
        return self

    def initial(self, call: Call, arguments: Arguments) -> Any:
        """Params where there are none yet, with shapes for weights."""
        raise ValueError(f"parameters are known only from JaxModel(function, params): {self.model}")

    def run(self, tree: Any, call: Call, arguments: Arguments, record: RecordOutput) -> Any:
        """What the model returns with the weights in ``tree``, while ``record`` is told of its parts."""
        raise NotImplementedError


class Function(Kind):
    """A function of (params, **inputs); linen modules that it applies are recorded."""

    def run(self, tree: Any, call: Call, arguments: Arguments, record: RecordOutput) -> Any:
        with _recording_linen(record):
            return call(partial(self.model, tree), **arguments)


class Linen(Kind):
    """A linen module: its weights are apart, and it can be asked to say what its parts compute.

    Its params are the weights alone, or all variables as `init` returns them, of which one collection is
    called "params"; the others keep their values.
    """

    def tree(self) -> Any:
        return self._variables["params"]

    def state(self) -> Any:
        """Each collection but the weights."""
        return {name: state for name, state in self._variables.items() if name != "params"}

    def with_state(self, state: Any) -> Kind:
        return replace(self, params={**state, "params": self.tree()})

    def initial(self, call: Call, arguments: Arguments) -> Any:
        """Shapes of the weights; and other collections as `init` makes them from key 0."""
        init = linen.init(call, self.model)

        def variables() -> dict[str, Any]:
            return dict(init(jax.random.key(0), **arguments))

        shapes = jax.eval_shape(variables)
        params = shapes.pop("params", {})
        # Compiled, so that weights that are not returned are not drawn.
        others = jax.jit(lambda: {name: variables()[name] for name in shapes})() if shapes else {}
        return {"params": params, **others}

    def run(self, tree: Any, call: Call, arguments: Arguments, record: RecordOutput) -> Any:
        others = self.state()
        variables = {**jax.tree.map(_widened, others), "params": tree}
        # What a model writes of its state, as running statistics in training, it may read again in `call`.
        with _recording_linen(record):
            output, state = linen.apply(call, self.model, mutable=[*others])(variables, **arguments)
        written = {id(leaf) for leaf in jax.tree.leaves(state)}
        # As in PyTorch, whose buffers have no gradients.
        return replaced(output, lambda leaf: jax.lax.stop_gradient(leaf) if id(leaf) in written else leaf)

    @property
    def _variables(self) -> Mapping[str, Any]:
        return self.params if "params" in self.params else {"params": self.params}


class Nnx(Kind):
    """An nnx module, which holds its weights; it is taken apart and put together for every run."""

    needs_params = False

    def tree(self) -> Any:
        return nnx.to_pure_dict(nnx.state(self.model, nnx.Param))

    def state(self) -> Any:
        """Its statistics, which are called so whatever class they are of."""
        return {"": nnx.to_pure_dict(nnx.state(self.model, nnx.BatchStat))}

    def with_state(self, state: Any) -> Kind:
        graph, statistics, *rest = nnx.split(self.model, nnx.BatchStat, ...)
        statistics = jax.tree.map(lambda leaf: leaf, statistics)  # variables of its own
        nnx.replace_by_pure_dict(statistics, state[""])
        return replace(self, model=nnx.merge(graph, statistics, *rest))

    def run(self, tree: Any, call: Call, arguments: Arguments, record: RecordOutput) -> Any:
        graph, params, *rest = nnx.split(self.model, nnx.Param, ...)
        # The variables are the model's own: others in their place, as replacing and running change them.
        params, *rest = jax.tree.map(_widened, (params, *rest))
        nnx.replace_by_pure_dict(params, tree)
        copy = nnx.merge(graph, params, *rest)
        copy.eval()
        parts = {"/".join(map(str, path)): part for path, part in nnx.iter_modules(copy) if path}
        for name, part in parts.items():
            # Written on the part, as nnx's transforms take modules apart and make others that are alike.
            setattr(part, HEARD_AS, name)
        kinds = {type(part) for part in parts.values() if callable(part)}
        with recording_calls(kinds, lambda part: getattr(part, HEARD_AS, None), record):
            return call(copy, **arguments)


class Tree(Kind):
    """A callable pytree, as Equinox has them: the model is its weights."""

    needs_params = False

    def tree(self) -> Any:
        return self.model

    def run(self, tree: Any, call: Call, arguments: Arguments, record: RecordOutput) -> Any:
        names = TreeNames(tree)
        with recording_calls(names.kinds, names, record):
            return call(tree, **arguments)


def _recording_linen(record: RecordOutput) -> AbstractContextManager[None]:
    """Record what linen modules return whose methods are called meanwhile."""

    def intercept(function: Call, args: Any, keywords: Any, context: Any) -> Any:
        output = function(*args, **keywords)
        path = "/".join(context.module.path)
        if not path or context.method_name != "__call__":
            return output
        return record(path, output, [*args, *keywords.values()])

    return linen.intercept_methods(intercept)


def _widened(leaf: Any) -> Any:
    """State that is no weight, in the dtype of the run, as PyTorch's buffers are."""
    return jnp.asarray(leaf, float) if jnp.issubdtype(getattr(leaf, "dtype", np.void), jnp.floating) else leaf


def kind_of(model: Any, params: Any) -> Kind:
    """How a model is to be handled; TypeError where it is none."""
    if not callable(model):
        raise TypeError(f"{type(model).__name__} is no model: it cannot be called")
    kind: type[Kind] = Function if jax.tree_util.all_leaves([model]) else Tree
    for module, known in ((linen.Module, Linen), (nnx.Module, Nnx)):
        if isinstance(model, module):
            kind = known
    if params is not None and not kind.needs_params:
        raise ValueError(f"{type(model).__name__} holds its own weights: give JaxModel no params")
    return kind(model, params)
