"""Attention that parts: a whole part with its weights, or what lies between its projections."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from parity_tests.diagnosis.attend import HIDDEN, OPTIONS, attend, seen, split
from parity_tests.diagnosis.float32_weights import weights_are_float32
from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Computation, Difference
from parity_tests.diagnosis.weights import ROLES, Linear, projections

INSIDE_OUT = "(head_dim heads) for (heads head_dim)"
KERNELS = ("as it is", INSIDE_OUT, "transposed")
INNER, OUTER = "kernels of queries, keys and values", "kernel of the output"
LAYOUT = "queries, keys and values lie"
LAYOUTS = ("one behind the other", "side by side in each head", "number by number")

Settings = dict[str, Any]
# settings -> queries, keys and values, (batch position embed) each; None where they do not fit
Made = Callable[[Settings], list[np.ndarray] | None]
# (what the heads return, settings) -> what is compared
Finish = Callable[[np.ndarray, Settings], np.ndarray | None]


def whole(place: Place) -> Iterator[Computation]:
    """An attention of what it reads and its weights."""
    if not place.reads or any(array.ndim != 3 for array in (place.ours, *place.reads)):
        return
    x, y, z = (*place.reads, place.reads[-1], place.reads[-1])[:3]
    weights = projections(place, x.shape[-1])
    if weights is None:
        return
    width, output = weights["queries"].kernel.shape[1], weights["output"]

    def made(settings: Settings) -> list[np.ndarray] | None:
        found: list[np.ndarray] = []
        for role, array in zip(ROLES, (x, y, z), strict=False):
            taken = weights[role]
            if settings[INNER] == INSIDE_OUT:
                taken = taken.inside_out(width // settings["heads"], reads=False)
            if (projected := taken.apply(array, settings[INNER])) is None:
                return None
            found.append(projected)
        return found

    def finish(heads: np.ndarray, settings: Settings) -> np.ndarray | None:
        taken = output
        if settings[OUTER] == INSIDE_OUT:
            taken = output.inside_out(width // settings["heads"], reads=True)
        return taken.apply(heads, settings[OUTER])

    square = all(len(set(item.kernel.shape)) == 1 for item in weights.values())
    kernels = KERNELS if square else KERNELS[:2]
    heads = weights["queries"].heads
    divisors = [heads] if heads else _divisors(width)
    more = {INNER: kernels, OUTER: kernels}
    yield Attention(place, made, finish, output).computation(len(x), x.shape[1], y.shape[1], divisors, more)


def between(place: Place) -> Iterator[Computation]:
    """Heads' outputs of the nearest queries, keys and values that were heard, apart or in one array."""
    if place.ours.ndim != 3:
        return
    found: dict[str, np.ndarray] = {}
    batch, queries, width = place.ours.shape
    for item in place.known:
        if item.verb != "returns" or item.array.ndim not in (3, 4):
            continue
        flat = item.array.reshape(*item.array.shape[:2], -1)
        if flat.shape == (batch, queries, 3 * width) and not found:
            attention = Attention(place, partial(_apart, flat))
            yield attention.computation(batch, queries, queries, _divisors(width), {LAYOUT: LAYOUTS}, LAYOUT)
            return
        last = re.split(r"[./]", item.name.partition(" (")[0])[-1]
        for role, pattern in ROLES.items():
            if re.fullmatch(pattern, last):
                found.setdefault(role, flat)
    if found.keys() >= {"queries", "keys", "values"} and found["queries"].shape == place.ours.shape:
        made = [found[role] for role in ("queries", "keys", "values")]
        attention = Attention(place, lambda settings: made)
        yield attention.computation(batch, queries, made[1].shape[1], _divisors(width), {})


@dataclass(frozen=True)
class Attention:
    """How queries, keys and values are made, and what becomes of what the heads return."""

    place: Place
    made: Made
    finish: Finish = lambda heads, settings: heads
    output: Linear | None = None
    """The projection behind the heads, where it belongs to the part."""

    def computation(
        self,
        batch: int,
        queries: int,
        keys: int,
        heads: Sequence[int],
        more: Mapping[str, Sequence[Any]],
        *unknown: str,
    ) -> Computation:
        masks = seen(self.place.inputs, batch, queries, keys)
        # With -inf, as in PyTorch, a query that sees no key has NaN.
        hidden = -np.inf if np.isnan(self.place.theirs).any() else HIDDEN

        def compute(**settings: Any) -> np.ndarray | None:
            made = self.made(settings)
            if made is None:
                return None
            query, key, value = made
            heads = attend(query, key, value, masks, hidden, **settings)
            return None if heads is None else self.finish(heads, settings)

        def rounded(target: np.ndarray, **settings: Any) -> list[Difference]:
            if not np.isfinite(target).all():
                return []
            heads, made = self._before(target), self.made(settings)
            if heads is None or made is None or self.place.dtype != "float64":
                return []
            width = heads.shape[-1] // settings["heads"]
            output = split(heads, width, settings["heads are merged"])
            values = split(made[2], width, settings["heads are split"])
            if weights_are_float32(output, values, masks[settings["a query sees"]]):
                return [Difference("softmax in", "float32", "float64")]
            return []

        return Computation(
            compute,
            {"a query sees": tuple(masks), "heads": heads, **OPTIONS, **more},
            unknown=("rotary positions", "scale of the scores", "a query sees", "heads", *unknown),
            rounded=rounded,
        )

    def _before(self, target: np.ndarray) -> np.ndarray | None:
        """What the heads returned, of what the projection behind them made of it."""
        if self.output is None:
            return target
        kernel = self.output.kernel
        if kernel.shape[0] > kernel.shape[1] or np.linalg.cond(kernel) > 1e4:
            return None
        bias = 0 if self.output.bias is None else self.output.bias
        return (target - bias) @ np.linalg.pinv(kernel)


def _apart(together: np.ndarray, settings: Settings) -> list[np.ndarray] | None:
    """Queries, keys and values of one array, (batch position 3·embed)."""
    if settings[LAYOUT] == LAYOUTS[0]:
        return np.split(together, 3, axis=-1)
    if settings[LAYOUT] == LAYOUTS[1]:
        heads = together.reshape(*together.shape[:2], settings["heads"], 3, -1)
        return [heads[..., n, :].reshape(*together.shape[:2], -1) for n in range(3)]
    return [together[..., n::3] for n in range(3)]


def _divisors(width: int) -> list[int]:
    return [heads for heads in range(1, width + 1) if width % heads == 0]
