"""How a learner's function or module is called, and what is made of what it returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from parity_tests.runners.arrays import Inputs
from study.grade.names import SWITCHES, arguments_for, parameter_for

UPTO = "upto"  # an input that nobody is called with: only so many positions of the output are looked at


@dataclass
class Call:
    """Calls with our inputs by the learner's names for them, and notes what is worth telling."""

    array: type
    """The framework's type of array."""
    optional: Mapping[str, Any]
    """What it may ask for too: sizes, keys."""
    training: bool = False
    notes: set[str] = field(default_factory=set)

    def of(self, function: Any) -> Callable[..., Any]:
        """``call(model, **inputs)`` for a model with the signature of ``function``."""

        def call(model: Any, **inputs: Any) -> Any:
            upto = inputs.pop(UPTO, None)
            switches = {name: values[self.training] for name, values in SWITCHES.items()}
            arguments = arguments_for(function, inputs, {**switches, **self.optional}, "the call")
            output = self.output(model(**arguments))
            return output if upto is None else output[:, : len(upto)]

        return call

    def output(self, value: Any) -> Any:
        """The one array that was returned, or the first of several. Raises TypeError, naming what it is
        instead.
        """
        if isinstance(value, tuple | list) and value and isinstance(value[0], self.array):
            self.notes.add("it returns several things, of which the first is graded")
            return value[0]
        if not isinstance(value, self.array):
            raise TypeError(f"it returns {type(value).__name__}: return one array")
        return value


def as_asked(function: Any, inputs: Inputs) -> Inputs | None:
    """The inputs without a mask that hides nothing, where it may be left out; None where one cannot be
    given.
    """
    if "mask" not in inputs:
        return inputs
    parameter = parameter_for(function, "mask")
    if parameter is not None and (parameter.default is parameter.empty or not inputs["mask"].all()):
        return inputs
    left = {name: array for name, array in inputs.items() if name != "mask"}
    return left if inputs["mask"].all() else None
