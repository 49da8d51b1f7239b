"""The distributions that initial weights are drawn from, and the drawing itself.

All draws are uniform: random bits become a uniform number by integer steps and one exact subtraction,
so that both frameworks get the same float32 weights to the last bit, which no normal draw can promise
(it passes through each framework's own inverse error function).
"""

import hashlib
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from torch_impl import random
from torch_impl.convert.engine import to_flax, to_torch
from torch_impl.convert.modules import axis_sizes
from torch_impl.random import Key

Initializer = Callable[[Key, tuple[int, ...]], Float32[Tensor, "..."]]


def zeros(rng: Key, shape: tuple[int, ...]) -> Float32[Tensor, "..."]:
    """All zeros: biases."""
    return torch.zeros(shape, dtype=torch.float32)


def ones(rng: Key, shape: tuple[int, ...]) -> Float32[Tensor, "..."]:
    """All ones: the scales of norms."""
    return torch.ones(shape, dtype=torch.float32)


def uniform(std: float) -> Initializer:
    """Uniform around zero with standard deviation ``std``: U(-a, a) with a = std * sqrt(3)."""
    return partial(_uniform, std * math.sqrt(3.0))


def _uniform(bound: float, rng: Key, shape: tuple[int, ...]) -> Float32[Tensor, "..."]:
    return (2.0 * random.uniform(rng, shape) - 1.0) * bound


def xavier(fan_in: int, fan_out: int) -> Initializer:
    """Glorot and Bengio 2010, eq. 16: U(-a, a) with a = sqrt(6 / (fan_in + fan_out))."""
    return uniform(math.sqrt(2.0 / (fan_in + fan_out)))


def kernel_init(fan_in: int, fan_out: int, std: float | None = None) -> Initializer:
    """A weight matrix's: Xavier, or the fixed deviation that a model's paper asks for."""
    return xavier(fan_in, fan_out) if std is None else uniform(std)


def parameter(initial: Initializer, shape: tuple[int, ...]) -> nn.Parameter:
    """A parameter that remembers its distribution and holds NaN until it is drawn or loaded.

    PyTorch's own layers draw hidden weights when they are built; here a forgotten weight shows.
    """
    declared = nn.Parameter(torch.full(shape, torch.nan))
    declared.initial = initial  # type: ignore[attr-defined]
    return declared


@torch.no_grad()
def initialise(model: nn.Module, rng: Key) -> None:
    """Draw all parameters of a model: the numbers that Flax's ``init`` of its twin draws from the key.

    Flax folds into the key of each parameter the SHA-1 of its modules' names and of its number within
    its module. Shapes are drawn in Flax's layout.
    """
    sizes = axis_sizes(model)
    for path, module in model.named_modules():
        for number, (leaf, tensor) in enumerate(module.named_parameters(recurse=False), start=1):
            name = f"{path}.{leaf}"
            ((flax_name, layout),) = to_flax({name: np.empty(tensor.shape)}, sizes).items()
            modules = "".join(flax_name.split("/")[:-1])
            digest = hashlib.sha1(modules.encode() + bytes([number])).digest()
            own_rng = random.fold_in(rng, int.from_bytes(digest[:4], "big"))
            drawn = tensor.initial(own_rng, layout.shape).numpy()
            tensor.copy_(torch.from_numpy(to_torch({flax_name: drawn})[name]))
