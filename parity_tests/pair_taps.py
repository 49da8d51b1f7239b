"""Which parts of two models belong together, how their axes do, and which are wrong by themselves."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import numpy as np

from parity_tests.core.blame import misread, region
from parity_tests.core.isolate import Isolation, isolate
from parity_tests.core.order import Order, find_order, given_order
from parity_tests.core.trace import Trace
from torch_impl.convert.row import match, torch_path

RERUNS = 4  # of the candidate, each of which may tell the axes of parts that come later

Forced = Mapping[str, np.ndarray]


@dataclass
class Taps:
    """The parts of two traces that are compared."""

    ours: Trace
    theirs: Trace
    pairs: dict[str, str]
    """The reference's names in the order of execution, each with the candidate's."""
    bound: float
    asked: bool
    """Whether the user said which they are."""
    orders: dict[str, Order] = field(default_factory=dict)
    alone_run: Trace | None = None
    """The candidate's, in which each part handed on the reference's value, once it was isolated."""

    said: Mapping[str, str] = field(default_factory=dict)
    """By the reference's name, the pattern that the user gives for an order; the others are found."""

    def __post_init__(self) -> None:
        for name, pattern in self.said.items():
            shapes = (self.theirs.arrays["tap"][self.pairs[name]].shape, self.ours.arrays["tap"][name].shape)
            try:
                self.orders[name] = given_order(pattern, *shapes)
            except ValueError as error:
                raise ValueError(f"taps: {name}: {error.args[0]}") from error
        self._look(self.theirs)

    @property
    def compared(self) -> list[str]:
        """Those of which it is known how the axes of one lie in the other; all that were asked for."""
        return [name for name in self.pairs if self.asked or name in self.orders]

    @property
    def uncompared(self) -> list[str]:
        """The others, whose shapes differ."""
        return [name for name in self.pairs if name not in self.compared]

    @property
    def turned(self) -> dict[str, str]:
        """Those whose axes have another order in the candidate, with that order."""
        return {name: str(order) for name, order in self.orders.items() if not order.is_identity}

    @property
    def alone(self) -> dict[str, list[str]]:
        """By side, the parts that were heard there and have no partner."""
        ours, theirs = (list(trace.arrays["tap"]) for trace in (self.ours, self.theirs))
        partners = set(self.pairs.values())
        return {
            "reference": [name for name in ours if name not in self.pairs],
            "candidate": [name for name in theirs if name not in partners],
        }

    def isolated(self, model: str, dtype: str, run: Callable[[Forced], Trace]) -> Isolation:
        """What diverges by itself. ``run`` gives the candidate with each part handing on what it is told."""
        for _ in range(RERUNS):
            forced = {
                self.pairs[name]: order.back(self.ours.arrays["tap"][name])
                for name, order in self.orders.items()
            }
            self.alone_run = alone = run(forced)
            if not self._look(alone):
                break
        truth, free, taken = (self._under_our_names(trace) for trace in (self.ours, self.theirs, alone))
        wrong = [
            name
            for name in self.compared
            if misread(self.ours.reads.get(name, []), alone.reads.get(self.pairs[name], []), self.bound)
        ]
        tap_errors = isolate(truth, free, taken, self.bound, wrong)
        earlier = [tap.name for tap in tap_errors if tap.verdict == "earlier"]
        named = {other: name for name, other in self.pairs.items()}
        heard = {
            "reference": list(self.ours.arrays["tap"]),
            "candidate": [named.get(name, name) for name in self.theirs.arrays["tap"]],
        }
        unheard = {name: region(name, self.compared, heard) for name in earlier}
        return Isolation(model, dtype, tap_errors, unheard)

    def reference(self) -> Trace:
        """The reference's trace, of the taps that are compared."""
        return self._under_our_names(self.ours)

    def candidate(self) -> Trace:
        """The candidate's, under the reference's names and in its axes."""
        return self._under_our_names(self.theirs)

    def _look(self, trace: Trace) -> bool:
        """Find orders in what the candidate computed there; whether any was found that was not known."""
        found = dict(self.orders)
        for name, other in self.pairs.items():
            if name in self.said:
                continue
            order, agrees = find_order(
                self.ours.arrays["tap"][name],
                trace.arrays["tap"][other],
                self.bound,
                tuple(order for order in self.orders.values() if not order.is_identity),
            )
            if order is not None and (agrees or name not in found):
                found[name] = order
        changed = found != self.orders
        self.orders = {name: found[name] for name in self.pairs if name in found}
        return changed

    def _under_our_names(self, trace: Trace) -> Trace:
        taps = trace.arrays["tap"]
        if trace is self.ours:
            kept = {name: taps[name] for name in self.compared}
        else:
            kept = {
                name: self.orders[name].turn(taps[other]) if name in self.orders else taps[other]
                for name, other in self.pairs.items()
                if name in self.compared
            }
        return replace(trace, arrays={**trace.arrays, "tap": kept})


def collapsed(names: list[str]) -> list[str]:
    """Each name once that differs from others by its numbers alone: "layers_*/norm"."""
    return list(dict.fromkeys(re.sub(r"(?<=[_./])\d+(?=[/. ]|$)", "*", name) for name in names))


def tap_pairs(
    ours: list[str],
    theirs: list[str],
    taps: Mapping[str, str] | None,
    parts: dict[str, str] | None = None,
) -> dict[str, str]:
    """The reference's taps that are compared, in their order, with the candidate's names of them.

    ``parts`` are those known to be each other's, whatever they are called.
    """
    if taps is None and parts:
        rest = [name for name in ours if name not in parts]
        alike = tap_pairs(rest, [name for name in theirs if name not in parts.values()], None)
        return {name: (parts | alike)[name] for name in ours if name in parts | alike}
    found: dict[str, str] = {}
    for pattern, other in ({"*": "*"} if taps is None else taps).items():
        left, right = _matches(pattern, ours), _matches(other, theirs)
        for side, wanted, names, matches in (
            ("reference", pattern, ours, left),
            ("candidate", other, theirs, right),
        ):
            if not matches and taps is not None:
                close = get_close_matches(wanted, names, n=5, cutoff=0.3) or names[:5]
                raise ValueError(
                    f"taps: {wanted!r} finds nothing in the {side}; close are {', '.join(close)}"
                )
        pairs = {name: right[path] for path, name in left.items() if path in right}
        if not pairs and taps is not None:
            raise ValueError(f"taps: the * of {pattern!r} and of {other!r} have no piece of a path in common")
        found |= pairs
    if taps is None:
        found |= _unrolled(
            [name for name in ours if name not in found],
            [name for name in theirs if name not in found.values()],
        )
    return {name: found[name] for name in ours if name in found}


def asked_taps(
    taps: Mapping[str, str | tuple[str, str]] | None,
) -> tuple[dict[str, str] | None, dict[str, str]]:
    """The names that the user asks for, and by the reference's the patterns that some have."""
    if taps is None:
        return None, {}
    names = {name: other if isinstance(other, str) else other[0] for name, other in taps.items()}
    return names, {name: other[1] for name, other in taps.items() if not isinstance(other, str)}


def said_orders(patterns: Mapping[str, str], pairs: Mapping[str, str]) -> dict[str, str]:
    """By each tap that a name stands for, its pattern."""
    return {tap: axes for name, axes in patterns.items() for tap in pairs if match(name, tap) is not None}


def _unrolled(ours: list[str], theirs: list[str]) -> dict[str, str]:
    """Calls of one part and parts with numbers: "layers/up (2)", of a scan, is "layers.1.up" of a loop.

    Only where one part alone can be meant.
    """
    left, right = ({torch_path(name): name for name in names} for names in (ours, theirs))
    pairs = {left[path]: right[call] for call, path in _numbered(right, left)}
    return pairs | {left[call]: right[path] for call, path in _numbered(left, right)}


def _numbered(calls: Mapping[str, str], paths: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each call with the path that it has where its number is one of the path."""
    for call in calls:
        name, _, number = call.removesuffix(")").partition(" (")
        pieces = name.split(".")
        if f"{name} (2)" in calls:
            where = [
                ".".join([*pieces[:place], str(int(number or 1) - 1), *pieces[place:]])
                for place in range(1, len(pieces) + 1)
            ]
            if len(known := [path for path in where if path in paths]) == 1:
                yield call, known[0]


def _matches(pattern: str, names: list[str]) -> dict[tuple[str, ...], str]:
    """The names that a pattern fits, by what its ``*`` stand for."""
    found = {name: match(pattern, name) for name in names}
    return {tuple(map(torch_path, path)): name for name, path in found.items() if path is not None}
