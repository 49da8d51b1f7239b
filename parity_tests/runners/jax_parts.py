"""The parts of a model that is a tree of Python objects, and recording what they return."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import jax

# a part's path, what it returned, and its arguments -> what to go on with
RecordOutput = Callable[[str, Any, list[Any]], Any]
NameOf = Callable[[Any], str | None]


def tree_parts(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The nodes inside a pytree, with their paths."""
    children, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda node: node is not tree)
    for key, child in children:
        if not jax.tree_util.all_leaves([child]):
            name = path + jax.tree_util.keystr(key, simple=True, separator="/")
            yield name, child
            yield from tree_parts(child, name + "/")


class TreeNames:
    """The paths of a pytree's nodes: by identity, and of a node that was made anew by what it is like.

    Inside scan a stacked layer comes as one of its slices, and so do its parts.
    """

    def __init__(self, tree: Any) -> None:
        self._parts = dict(tree_parts(tree))
        self._names = {id(part): name for name, part in self._parts.items()}
        self._made: list[Any] = []

    def __call__(self, part: Any) -> str | None:
        """None where no part is known to be this one."""
        if id(part) not in self._names:
            kind: Any = jax.tree.structure(part)
            alike = [name for name, known in self._parts.items() if jax.tree.structure(known) == kind]
            if len(alike) != 1:
                return None
            for name, new in [(alike[0], part), *tree_parts(part, alike[0] + "/")]:
                self._names[id(new)] = name
                self._made.append(new)  # kept, so that no other object gets its identity
        return self._names[id(part)]

    @property
    def kinds(self) -> set[type]:
        """The classes of nodes that can be called."""
        return {type(part) for part in self._parts.values() if callable(part)}


@contextmanager
def recording_calls(kinds: Iterable[type], name_of: NameOf, record: RecordOutput) -> Iterator[None]:
    """Record what objects of these classes return when they are called, those that have names.

    Python looks for ``__call__`` in the class, so it is exchanged there for the time being.
    """
    with ExitStack() as stack:
        for kind, call in [(kind, _recorded(kind, name_of, record)) for kind in kinds]:
            stack.enter_context(patch.object(kind, "__call__", call))
        yield


def _recorded(kind: type, name_of: NameOf, record: RecordOutput) -> Callable[..., Any]:
    original: Any = vars(kind).get("__call__") or kind.__call__

    @wraps(original)
    def call(self: Any, *args: Any, **keywords: Any) -> Any:
        # A subclass that calls this one by super() is recorded itself. Parts are known by the whole that
        # they are parts of, so that one is asked for its name before they are called.
        name = name_of(self) if type(self) is kind else None
        output = original(self, *args, **keywords)
        return output if name is None else record(name, output, [*args, *keywords.values()])

    return call
