"""How a model that is any callable is called, and what it is called in a report."""

import inspect
from typing import Any


def takes_taps(model: Any) -> bool:
    """Whether the function or module has the argument ``tap``."""
    return "tap" in inspect.signature(getattr(model, "forward", model)).parameters


def just_call(model: Any, **inputs: Any) -> Any:
    """How a model is called where nothing else was asked for."""
    return model(**inputs)


def model_name(model: Any) -> str:
    """A function's name or a module's class."""
    model = getattr(model, "func", model)  # a partial's function
    return getattr(model, "__name__", type(model).__name__)
