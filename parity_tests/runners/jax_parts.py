"""The parts of a model that is a tree of Python objects, and recording what they return."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import jax

# a part's path, what it returned, and its arguments -> what to go on with
RecordOutput = Callable[[str, Any, list[Any]], Any]


def tree_parts(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The nodes inside a pytree, with their paths."""
    children, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda node: node is not tree)
    for key, child in children:
        if not jax.tree_util.all_leaves([child]):
            name = path + jax.tree_util.keystr(key, simple=True, separator="/")
            yield name, child
            yield from tree_parts(child, name + "/")


@contextmanager
def recording_calls(parts: Mapping[str, Any], record: RecordOutput) -> Iterator[None]:
    """Record what these objects return when they are called.

    Python looks for ``__call__`` in the class, so it is exchanged there for the time being; which object was
    called is known by its identity.
    """
    names = {id(part): name for name, part in parts.items()}
    kinds = {type(part) for part in parts.values() if callable(part)}
    with ExitStack() as stack:
        for kind, call in [(kind, _recorded(kind, names, record)) for kind in kinds]:
            stack.enter_context(patch.object(kind, "__call__", call))
        yield


def _recorded(kind: type, names: Mapping[int, str], record: RecordOutput) -> Callable[..., Any]:
    original: Any = vars(kind).get("__call__") or kind.__call__

    @wraps(original)
    def call(self: Any, *args: Any, **keywords: Any) -> Any:
        output = original(self, *args, **keywords)
        # A subclass that calls this one by super() is recorded itself.
        if type(self) is not kind or id(self) not in names:
            return output
        return record(names[id(self)], output, [*args, *keywords.values()])

    return call
