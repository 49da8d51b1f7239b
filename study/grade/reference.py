"""Our twin of a part, as it is and with mistakes planted: what it returns for a learner's weights."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs
from parity_tests.twins.inputs import Twin
from parity_tests.twins.run import run_torch
from study.grade.mistakes import Mistake
from study.grade.parts import SIZES, Part
from torch_impl import convert

Params = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Reference:
    """A part's twin in PyTorch, whose parameters have Flax's names and layout."""

    part: Part
    twin: Twin

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        module = self.twin.build("torch_impl")
        if not isinstance(module, torch.nn.Module):
            return {}
        arrays = {name: np.zeros(parameter.shape) for name, parameter in module.named_parameters()}
        return {
            name: array.shape for name, array in convert.to_flax(arrays, convert.axis_sizes(module)).items()
        }

    def completed(self, params: Params) -> dict[str, np.ndarray]:
        """With what the learner has not: biases of zero, scales of one, an output projection that changes
        nothing.
        """
        return {
            name: params[name] if name in params else _neutral(name, shape)
            for name, shape in self.shapes.items()
        }

    def loaded(self, params: Params) -> Any:
        """The module with these weights in float64; None where the part is a function."""
        module = self.twin.build("torch_impl")
        if not isinstance(module, torch.nn.Module):
            return None
        convert.load(module, params)
        return module.double().requires_grad_(False)

    def output(self, module: Any, inputs: Inputs, mistakes: tuple[Mistake, ...] = ()) -> np.ndarray:
        """What a `loaded` module returns with these mistakes planted one upon the other.

        Raises what a mistake that cannot be there raises.
        """
        arguments = {name: torch.tensor(array) for name, array in self.part.ours(inputs).items()}
        with ExitStack() as stack:
            for mistake in mistakes:
                stack.enter_context(mistake.inject())
            # A function is asked for again, so that the mistake in its file is met.
            called = self.twin.build("torch_impl") if module is None else module
            found: np.ndarray = called(**arguments).numpy()
            return found

    def trace(self, params: Params, inputs: Inputs, mistakes: tuple[Mistake, ...] = ()) -> Trace:
        """All that it computes, with gradients."""
        with ExitStack() as stack:
            for mistake in mistakes:
                stack.enter_context(mistake.inject())
            return run_torch(self.twin, params, self.part.ours(inputs), "float64")


def reference_of(part: Part, shapes: Mapping[str, tuple[int, ...]]) -> Reference:
    """The part's twin; of a GPT with an output layer of its own where the learner has a second table."""
    twin = part.twin
    table = (SIZES["vocab"], SIZES["embed"])
    if part.name == "gpt" and sum(sorted(shape) == sorted(table) for shape in shapes.values()) > 1:
        twin = replace(twin, arguments={**twin.arguments, "tied": False})
    return Reference(part, twin)


def _neutral(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """What has no effect in a weight's place."""
    if name.endswith("scale"):
        return np.ones(shape)
    if name.endswith("output/kernel"):
        return np.eye(shape[-1]).reshape(shape)
    return np.zeros(shape)
