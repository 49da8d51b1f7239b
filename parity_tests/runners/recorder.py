"""Recording what a model computes by name: what it hands to its taps, or what its parts return."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.arrays import named_arrays
from parity_tests.runners.calls import takes_taps

# (name, value, what its part read) -> the value to go on with
Keep = Callable[[str, Any, Sequence[Any]], Any]


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
        self.reads: dict[str, list[Any]] = {}
        self._forced, self._array, self._keep, self._like = forced or {}, array, keep, like

    def argument(self, model: Any) -> dict[str, Any]:
        """The argument ``tap`` for a model that takes one."""
        return {"tap": self.tap} if takes_taps(model) else {}

    def tap(self, name: str, value: Any, axes: str = "", reads: Sequence[Any] = ()) -> Any:
        """Keep a value. A part that is called again has "(2)" after its name, then "(3)"."""
        calls = 1
        while (name_of_call := name if calls == 1 else f"{name} ({calls})") in self.values:
            calls += 1
        self.values[name_of_call], self.axes[name_of_call] = self._keep(value), axes
        self.reads[name_of_call] = [self._keep(array) for array in reads]
        return self._like(self._forced[name_of_call], value) if name_of_call in self._forced else value

    def record(self, name: str, output: Any, arguments: Iterable[Any] = (), keep: Keep | None = None) -> Any:
        """Keep the first array of what a part returned, which may be a tuple, a list, a dictionary or a
        dataclass; and the floating arrays among its arguments. ``keep`` keeps them, by default `tap`."""
        read = [array for argument in arguments for _, array in named_arrays(argument, self._array)]
        reads = [array for array in read if "float" in str(array.dtype)]
        keep, done = keep or self.kept, False

        def first(value: Any) -> Any:
            nonlocal done
            if done or not isinstance(value, self._array):
                return value
            done = True
            return keep(name, value, reads)

        return replaced(output, first)

    def kept(self, name: str, value: Any, reads: Sequence[Any]) -> Any:
        """`tap` of a part that was heard."""
        return self.tap(name, value, reads=reads)


def replaced(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """A value like this one, with what ``leaf`` makes of each thing in it that is no container.

    Tuples, lists, dictionaries and dataclasses are containers (`transformers` returns such); those in which
    nothing changes are handed on themselves.
    """
    if isinstance(value, Mapping):
        made = {key: replaced(item, leaf) for key, item in value.items()}
        if all(made[key] is item for key, item in value.items()):
            return value
        return {**value, **made} if type(value) is dict else _refilled(value, made)
    if isinstance(value, tuple | list):
        items = [replaced(item, leaf) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        made = {name: replaced(item, leaf) for name, item in held.items()}
        return value if all(made[name] is held[name] for name in held) else replace(value, **made)
    return leaf(value)


def _refilled(value: Mapping[Any, Any], made: Mapping[Any, Any]) -> Any:
    """A mapping of a class of its own with other items, as `transformers`' outputs are."""
    new = copy(value)
    for key, item in made.items():
        new[key] = item  # type: ignore[index]
    return new


def check_forced(forced: Arrays | None, trace: Trace) -> None:
    """Every forced value must have been used."""
    if unknown := [name for name in forced or {} if name not in trace.arrays["tap"]]:
        raise KeyError(f"no taps {unknown} to force; there are {[*trace.arrays['tap']]}")
