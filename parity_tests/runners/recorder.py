"""Recording what a model computes by name: what it hands to its taps, or what its parts return."""

from collections.abc import Callable, Mapping
from typing import Any

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.calls import takes_taps


class Recorder:
    """Keeps the taps of one run in the order in which they were computed.

    ``array`` is the framework's type of array, and ``keep`` makes of one what is kept. A tap that is named in
    ``forced`` is kept as it was computed, and the model goes on with the forced value, which ``like`` makes
    an array of the computed one's kind.
    """

    def __init__(
        self,
        forced: Mapping[str, Any] | None,
        array: type,
        keep: Callable[[Any], Any],
        like: Callable[[Any, Any], Any],
    ):
        self.values: dict[str, Any] = {}
        self.axes: dict[str, str] = {}
        self._forced, self._array, self._keep, self._like = forced or {}, array, keep, like

    def argument(self, model: Any) -> dict[str, Any]:
        """The argument ``tap`` for a model that takes one."""
        return {"tap": self.tap} if takes_taps(model) else {}

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


def check_forced(forced: Arrays | None, trace: Trace) -> None:
    """Every forced value must have been used."""
    if unknown := [name for name in forced or {} if name not in trace.arrays["tap"]]:
        raise KeyError(f"no taps {unknown} to force; there are {[*trace.arrays['tap']]}")
