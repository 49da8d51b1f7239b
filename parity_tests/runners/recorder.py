"""Recording a model that somebody else wrote: what its parts compute, by name."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


class Recorder:
    """Keeps the taps of one run in the order in which they were computed.

    ``array`` is the framework's type of array, and ``keep`` makes of one what is kept. A tap that is named in
    ``forced`` is kept as it was computed, and the model goes on with the forced value, which ``like`` makes
    an array of the computed one's kind.
    """

    def __init__(
        self,
        forced: Mapping[str, np.ndarray] | None,
        array: type,
        keep: Callable[[Any], Any],
        like: Callable[[np.ndarray, Any], Any],
    ):
        self.values: dict[str, Any] = {}
        self.axes: dict[str, str] = {}
        self._forced, self._array, self._keep, self._like = forced or {}, array, keep, like

    def tap(self, name: str, value: Any, axes: str = "") -> Any:
        """Keep a value. A part that is called again has "(2)" after its name, then "(3)"."""
        calls = 1
        while (name_of_call := name if calls == 1 else f"{name} ({calls})") in self.values:
            calls += 1
        self.values[name_of_call], self.axes[name_of_call] = self._keep(value), axes
        return self._like(self._forced[name_of_call], value) if name_of_call in self._forced else value

    def record(self, name: str, output: Any) -> Any:
        """Keep the array that a module returned, or the first one of a tuple; nothing else is kept."""
        if isinstance(output, self._array):
            return self.tap(name, output)
        if isinstance(output, tuple):
            for place, item in enumerate(output):
                if isinstance(item, self._array):
                    parts = (*output[:place], self.tap(name, item), *output[place + 1 :])
                    return output._make(parts) if hasattr(output, "_make") else parts
        return output

    def check_forced(self) -> None:
        """Every forced value must have been used."""
        if unknown := [name for name in self._forced if name not in self.values]:
            raise KeyError(f"no taps {unknown} to force; there are {[*self.values]}")


def named_outputs(output: Any, array: type, model: str) -> dict[str, Any]:
    """What a model returned, by name: its one array, or the fields of a named tuple."""
    fields = output._asdict() if hasattr(output, "_asdict") else {"output": output}
    for field in fields.values():
        if not isinstance(field, array):
            raise TypeError(
                f"{model} returned {type(field).__name__}; give `call` a function that returns one array or "
                "a named tuple of arrays, such as lambda model, x: model(x)[0]"
            )
    return fields


def model_name(model: Any) -> str:
    """A function's name or a module's class."""
    model = getattr(model, "func", model)  # a partial's function
    return getattr(model, "__name__", type(model).__name__)


def just_call(model: Any, **inputs: Any) -> Any:
    """How a model is called where nothing else was asked for."""
    return model(**inputs)
