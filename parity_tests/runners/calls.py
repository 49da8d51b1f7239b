"""How a model that is any callable is called, and what it is called in a report."""

import inspect
from collections.abc import Iterable
from typing import Any


def takes_taps(model: Any) -> bool:
    """Whether the function or module has the argument ``tap``."""
    return "tap" in inspect.signature(getattr(model, "forward", model)).parameters


def not_taken(model: Any, names: Iterable[str]) -> list[str]:
    """Those that are no arguments of the function or module."""
    parameters = inspect.signature(getattr(model, "forward", model)).parameters
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return []
    return [name for name in names if name not in parameters]


def just_call(model: Any, **inputs: Any) -> Any:
    """How a model is called where nothing else was asked for."""
    return model(**inputs)


def model_name(model: Any) -> str:
    """A function's name or a module's class."""
    model = getattr(model, "func", model)  # a partial's function
    return getattr(model, "__name__", type(model).__name__)
