"""A model that others wrote, as one program where that can be: compiled once, it runs again in no time.

Op by op, every operation is a program of its own, and compiling these takes longer than one that has them
all. But what a part in a trace of its own returns (under vmap or remat) is heard when it is computed, op by
op; and some models run op by op alone, as those with gradients through a loop of unknown length.
"""

from collections.abc import Callable
from typing import Any

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.runners.jax_runner import runner


class Program:
    """``model(weights, arguments, recorder, heard_apart)`` ready to run; ``state`` gets no gradients."""

    def __init__(self, model: Callable[..., Any], name: str, dtype: str, state: list[str]) -> None:
        self._apart = False
        self._state = state

        def told(*arguments: Any) -> Any:
            return model(*arguments, self._hears_apart)

        self._runs = [runner(told, name, dtype, compiled, foreign=True) for compiled in (True, False)]

    def __call__(self, weights: Params, inputs: Inputs, forced: Arrays | None) -> Trace:
        trace = self._tried(weights, inputs, forced)
        gradients = trace.arrays["parameter gradient"]
        trace.arrays["parameter gradient"] = {
            n: array for n, array in gradients.items() if n not in self._state
        }
        return trace

    def _tried(self, weights: Params, inputs: Inputs, forced: Arrays | None) -> Trace:
        if len(self._runs) == 2:
            try:
                trace = self._runs[0](weights, inputs, forced=forced)
            except Exception:  # whatever it is, op by op it is no error, or one that says what is wrong
                self._apart = True
            if not self._apart:
                return trace
            del self._runs[0]
        return self._runs[0](weights, inputs, forced=forced)

    def _hears_apart(self) -> None:
        self._apart = True
