"""The kinds of JAX model: where each has its weights, how it runs, and how its parts are heard."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, ClassVar
from unittest.mock import patch

import jax
from flax import linen, nnx

Hear = Callable[[str, Any], Any]  # a part's path and what it returned -> what to go on with
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

    def initial(self, call: Call, arguments: Arguments) -> Any:
        """The same with shapes for arrays, where there are no weights yet."""
        raise ValueError(f"parameters are known only from JaxModel(function, params): {self.model}")

    def run(self, tree: Any, call: Call, arguments: Arguments, hear: Hear) -> Any:
        """What the model returns with the weights in ``tree``, while ``hear`` is told of its parts."""
        raise NotImplementedError


class Function(Kind):
    """A function of (params, **inputs), of which nothing can be heard."""

    def run(self, tree: Any, call: Call, arguments: Arguments, hear: Hear) -> Any:
        return call(partial(self.model, tree), **arguments)


class Linen(Kind):
    """A linen module: its weights are apart, and it can be asked to say what its parts compute."""

    def initial(self, call: Call, arguments: Arguments) -> Any:
        init = linen.init(call, self.model)
        return jax.eval_shape(lambda: init(jax.random.key(0), **arguments)).get("params", {})

    def run(self, tree: Any, call: Call, arguments: Arguments, hear: Hear) -> Any:
        def intercept(function: Call, args: Any, keywords: Any, context: Any) -> Any:
            output = function(*args, **keywords)
            path = "/".join(context.module.path)
            return hear(path, output) if path and context.method_name == "__call__" else output

        with linen.intercept_methods(intercept):
            return linen.apply(call, self.model)({"params": tree}, **arguments)


class Nnx(Kind):
    """An nnx module, which holds its weights; it is taken apart and put together for every run."""

    needs_params = False

    def tree(self) -> Any:
        return nnx.to_pure_dict(nnx.state(self.model, nnx.Param))

    def run(self, tree: Any, call: Call, arguments: Arguments, hear: Hear) -> Any:
        graph, params, *rest = nnx.split(self.model, nnx.Param, ...)
        params = jax.tree.map(lambda leaf: leaf, params)  # as replacing changes it
        nnx.replace_by_pure_dict(params, tree)
        copy = nnx.merge(graph, params, *rest)
        copy.eval()
        parts = {"/".join(map(str, path)): part for path, part in nnx.iter_modules(copy) if path}
        with calls_heard(parts, hear):
            return call(copy, **arguments)


class Tree(Kind):
    """A callable pytree, as Equinox has them: the model is its weights."""

    needs_params = False

    def tree(self) -> Any:
        return self.model

    def run(self, tree: Any, call: Call, arguments: Arguments, hear: Hear) -> Any:
        with calls_heard(dict(tree_parts(tree)), hear):
            return call(tree, **arguments)


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


def tree_parts(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The nodes inside a pytree, with their paths."""
    children, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda node: node is not tree)
    for key, child in children:
        if not jax.tree_util.all_leaves([child]):
            name = path + jax.tree_util.keystr(key, simple=True, separator="/")
            yield name, child
            yield from tree_parts(child, name + "/")


@contextmanager
def calls_heard(parts: Mapping[str, Any], hear: Hear) -> Iterator[None]:
    """Hear what these objects return when they are called.

    Python looks for ``__call__`` in the class, so it is exchanged there for the time being; which object was
    called is known by its identity.
    """
    names = {id(part): name for name, part in parts.items()}
    kinds = {type(part) for part in parts.values() if callable(part)}
    with ExitStack() as stack:
        for kind, call in [(kind, _heard(kind, names, hear)) for kind in kinds]:
            stack.enter_context(patch.object(kind, "__call__", call))
        yield


def _heard(kind: type, names: Mapping[int, str], hear: Hear) -> Callable[..., Any]:
    original: Any = vars(kind).get("__call__") or kind.__call__

    @wraps(original)
    def call(self: Any, *args: Any, **keywords: Any) -> Any:
        output = original(self, *args, **keywords)
        # A subclass that calls this one by super() is heard itself.
        return hear(names[id(self)], output) if type(self) is kind and id(self) in names else output

    return call
