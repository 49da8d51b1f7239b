"""Both twins run on shapes alone: every tap and every parameter, and nothing is computed.

JAX traces its program, PyTorch computes on the device "meta"; so a model of any size takes a moment.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import torch
from flax.traverse_util import flatten_dict
from jax.ad_checkpoint import checkpoint_name

from parity_tests.runners.calls import takes_taps
from parity_tests.runners.recorder import Recorder
from study.shapes.flops import Stretch, stretches
from study.shapes.subject import Subject

DTYPE = "float32"
Shape = tuple[int, ...]


class Taken(NamedTuple):
    """What one framework handed to a tap."""

    shape: Shape
    dtype: str


@dataclass(frozen=True)
class Traced:
    """One framework's taps and parameters; JAX's operations between the taps too."""

    taps: dict[str, Taken]
    axes: dict[str, str]
    """By tap."""
    params: dict[str, Shape]
    stretches: tuple[Stretch, ...] = ()
    xla: float | None = None
    """All operations of the program as XLA's cost analysis counts them, before it optimizes."""


def weights(subject: Subject) -> Any:
    """The tree of its parameters in Flax, with shapes for arrays."""
    module = subject.twin.build("jax_impl")
    if isinstance(module, partial):
        return {}
    made = jax.eval_shape(lambda key, arrays: module.init(key, **arrays), jax.random.key(0), _specs(subject))
    return made.get("params", {})


def in_jax(subject: Subject, params: Any, xla: bool = True) -> Traced:
    """The subject in Flax, under ``jax.make_jaxpr``, with `weights`."""
    module, inputs = subject.twin.build("jax_impl"), _specs(subject)
    recorder = new_recorder(jax.Array)

    def tap(name: str, value: Any, axes: str = "") -> Any:
        recorder.tap(name, value, axes)
        return checkpoint_name(value, next(reversed(recorder.values)))  # the name with the number of the call

    def forward(given: Any, arrays: Any) -> Any:
        named = {**arrays, "tap": tap} if takes_taps(module) else arrays
        return module(**named) if isinstance(module, partial) else module.apply({"params": given}, **named)

    traced = jax.jit(forward).trace(params, inputs)
    cost: Any = traced.lower().cost_analysis() if xla else None
    shapes = {name: tuple(one.shape) for name, one in flatten_dict(params, sep="/").items()}
    found = tuple(stretches(traced.jaxpr.jaxpr))
    return Traced(recorder.values, recorder.axes, shapes, found, (cost or {}).get("flops"))


def in_torch(subject: Subject) -> Traced:
    """The subject in PyTorch, on the device that holds no numbers."""
    with torch.device("meta"), torch.no_grad():
        module = subject.twin.build("torch_impl")
        inputs = {
            name: torch.empty(array.shape, dtype=getattr(torch, _dtype(array)))
            for name, array in subject.inputs.items()
        }
        recorder = new_recorder(torch.Tensor)
        module(**inputs, **recorder.argument(module))
    named = module.named_parameters() if isinstance(module, torch.nn.Module) else ()
    return Traced(recorder.values, recorder.axes, {name: tuple(parameter.shape) for name, parameter in named})


def new_recorder(array: type) -> Recorder:
    """One that keeps shapes and dtypes."""
    return Recorder(None, array, _taken, lambda value, computed: value)


def _taken(value: Any) -> Taken:
    return Taken(tuple(value.shape), str(value.dtype).removeprefix("torch."))


def _specs(subject: Subject) -> dict[str, jax.ShapeDtypeStruct]:
    return {
        name: jax.ShapeDtypeStruct(array.shape, jax.dtypes.canonicalize_dtype(_dtype(array)))
        for name, array in subject.inputs.items()
    }


def _dtype(array: np.ndarray) -> str:
    return DTYPE if array.dtype.kind == "f" else str(array.dtype)
