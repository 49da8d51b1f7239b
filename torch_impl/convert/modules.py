"""The converter at PyTorch's modules: Flax's parameters put into a model, and read off it."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from torch_impl.convert import engine


def axis_sizes(model: nn.Module) -> dict[str, int]:
    """The axes that PyTorch's layouts merge, read off the modules that split them.

    head_dim alone will do, and it is the same for all modules where the number of heads is not: there may
    be fewer of keys and values.
    """
    found = (getattr(module, "head_dim", None) for module in model.modules())
    widths = {size for size in found if isinstance(size, int)}
    if len(widths) > 1:
        raise ValueError(
            f"modules of one model have different head_dim: {sorted(widths)}; convert each alone"
        )
    return {"head_dim": widths.pop()} if widths else {}


def load(model: nn.Module, params: Mapping[str, np.ndarray]) -> None:
    """Put Flax's flat parameters into a model, bitwise and in their dtype.

    A parameter that is missing, left over or of another shape is an error that names it.
    """
    state = {name: torch.tensor(array) for name, array in engine.to_torch(params).items()}
    model.load_state_dict(state, assign=True)


def save(model: nn.Module) -> engine.Arrays:
    """A model's parameters in Flax's names and layout: `load` backwards."""
    state = {name: tensor.detach().cpu().numpy() for name, tensor in model.named_parameters()}
    return engine.to_flax(state, axis_sizes(model))
