"""Both twins run on shapes alone: every tap and every parameter, and nothing is computed.

JAX traces its program, PyTorch computes on the device "meta"; so a model of any size takes a moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax.traverse_util import flatten_dict
from jax.ad_checkpoint import checkpoint_name

from parity_tests.runners.calls import takes_taps
from study.shapes.flops import Stretch, stretches
from study.shapes.subject import Subject

DTYPE = "float32"
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Taken:
    """What one framework handed to a tap."""

    axes: str
    shape: Shape
    dtype: str


class Taps:
    """Writes down what it is given, in the order of execution; what comes again has "(2)" after its name."""

    def __init__(self, mark: Callable[[Any, str], Any]) -> None:
        self.taken: dict[str, Taken] = {}
        self._mark = mark

    def tap(self, name: str, value: Any, axes: str = "") -> Any:
        called, calls = name, 1
        while called in self.taken:
            calls += 1
            called = f"{name} ({calls})"
        self.taken[called] = Taken(axes, tuple(value.shape), str(value.dtype).removeprefix("torch."))
        return self._mark(value, called)


@dataclass(frozen=True)
class Traced:
    """One framework's taps and parameters; JAX's operations between the taps too."""

    taps: dict[str, Taken]
    params: dict[str, Shape]
    stretches: tuple[Stretch, ...] = ()
    xla: float | None = None
    """All operations of the program as XLA's cost analysis counts them, before it optimizes."""


def in_jax(subject: Subject, xla: bool = True) -> Traced:
    """The subject in Flax, under ``jax.make_jaxpr``."""
    module = subject.twin.build("jax_impl")
    inputs = {name: _spec(array) for name, array in subject.inputs.items()}
    is_function = isinstance(module, partial)
    params: Any = {}
    if not is_function:
        made = jax.eval_shape(lambda key, arrays: module.init(key, **arrays), jax.random.key(0), inputs)
        params = made.get("params", {})
    taps = Taps(checkpoint_name)

    def forward(weights: Any, arrays: Any) -> Any:
        taps.taken.clear()
        named = {**arrays, "tap": taps.tap} if takes_taps(module) else arrays
        return module(**named) if is_function else module.apply({"params": weights}, **named)

    found = stretches(jax.make_jaxpr(forward)(params, inputs).jaxpr)
    cost: Any = jax.jit(forward).lower(params, inputs).cost_analysis() if xla else None
    shapes = {name: tuple(one.shape) for name, one in flatten_dict(params, sep="/").items()}
    return Traced(dict(taps.taken), shapes, tuple(found), (cost or {}).get("flops"))


def in_torch(subject: Subject) -> Traced:
    """The subject in PyTorch, on the device that holds no numbers."""
    with torch.device("meta"), torch.no_grad():
        module = subject.twin.build("torch_impl")
        inputs = {
            name: torch.empty(array.shape, dtype=getattr(torch, _dtype(array)))
            for name, array in subject.inputs.items()
        }
        taps = Taps(lambda value, name: value)
        module(**inputs, **({"tap": taps.tap} if takes_taps(module) else {}))
    named = module.named_parameters() if isinstance(module, torch.nn.Module) else ()
    return Traced(taps.taken, {name: tuple(parameter.shape) for name, parameter in named})


def _spec(array: np.ndarray) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, jnp.dtype(_dtype(array)))


def _dtype(array: np.ndarray) -> str:
    return DTYPE if array.dtype.kind == "f" else str(array.dtype)
