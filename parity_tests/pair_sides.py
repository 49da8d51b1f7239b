"""The sides of a pair: which framework a model is of, without an import of the one that it is not of."""

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import numpy as np

from parity_tests.core.trace import Arrays, Trace
from parity_tests.runners.arrays import Inputs, Params
from parity_tests.runners.changes import NO_CHANGES, Changes

CLASSES = {"TorchModel": "torch_model", "JaxModel": "jax_model"}


@runtime_checkable
class Side(Protocol):
    """A model as one side of a pair, as `TorchModel` and `JaxModel` are."""

    @property
    def name(self) -> str:
        """What the model is called in a report."""

    @property
    def framework(self) -> str:
        """ "flax" or "torch"."""

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters by name, as float64."""

    def shapes(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        """The parameters' shapes by name."""

    def not_taken(self, inputs: Iterable[str]) -> list[str]:
        """The names of inputs that are no arguments of the model."""

    def run(
        self,
        weights: Params,
        inputs: Inputs,
        dtype: str,
        forced: Arrays | None = None,
        changes: Changes = NO_CHANGES,
    ) -> Trace:
        """What the model computes with these weights."""


def side_class(name: str) -> Any:
    """`TorchModel` or `JaxModel`, with its framework."""
    return getattr(import_module(f"parity_tests.runners.{CLASSES[name]}"), name)


def adapted(model: Any) -> Side:
    """A model as one side of a pair. Who made a module of PyTorch has imported it."""
    if isinstance(model, Side):
        return model
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        return side_class("TorchModel")(model)
    try:
        return side_class("JaxModel")(model)
    except ModuleNotFoundError as error:
        raise TypeError(
            f"{type(model).__name__} is no torch.nn.Module, and for a model of JAX there is no {error.name}: "
            "install jax and flax"
        ) from error
