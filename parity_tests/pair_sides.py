"""Which framework a model is of, found without an import of the one that it is not of."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from parity_tests.runners.side import Side

CLASSES = {"TorchModel": "torch_model", "JaxModel": "jax_model"}


def side_class(name: str) -> Any:
    """`TorchModel` or `JaxModel`, imported with its framework."""
    return getattr(import_module(f"parity_tests.runners.{CLASSES[name]}"), name)


def adapted(model: Any) -> Side:
    """A model as one side of a pair. Whoever made a module of PyTorch has imported PyTorch."""
    if isinstance(model, Side):
        return model
    if isinstance(model, str | Path):
        raise TypeError(f"{str(model)!r} is no model: only the reference of a comparison may be on file")
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
