"""The checks of annotations, which the tests have and users have not."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import jaxtyping
from jaxtyping import jaxtyped as jaxtyped  # itself, before the hook's is another

Decorator = Callable[[Any], Any]


def check_annotations(packages: Sequence[str]) -> None:
    """Every annotated shape and dtype of these packages is checked in every call, from their import on."""
    setattr(jaxtyping, "jaxtyped", decorator_of)  # noqa: B010 - what the hook writes above each function
    jaxtyping.install_import_hook(packages, "beartype.beartype")


@contextmanager
def annotations_unchecked() -> Iterator[None]:
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def decorator_of(*, typechecker: Decorator) -> Decorator:
    """jaxtyping's where an annotation has axes, or is a class's; elsewhere its type checker alone does, at a
    fiftieth of the time.
    """

    def decorate(what: Any) -> Any:
        if inspect.isclass(what) or has_axes(what):
            return jaxtyped(typechecker=typechecker)(what)
        return typechecked(what, typechecker)

    return decorate


def has_axes(function: Callable[..., Any]) -> bool:
    """Or may have: a name in quotes is known later."""
    found = function.__annotations__.values()
    return any(isinstance(one, str) or "jaxtyping." in repr(one) for one in found)


def typechecked(function: Callable[..., Any], typechecker: Decorator) -> Callable[..., Any]:
    checked = typechecker(function)

    @wraps(function)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        __tracebackhide__ = True
        return (function if jaxtyping.config.jaxtyping_disable else checked)(*arguments, **keywords)

    return wrapped
