"""Position tables on the device: computed once on the host in float64, rounded once, and kept.

XLA keeps such tables as constants of the compiled program; PyTorch has to be told, op by op and compiled.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from torch_impl.config import RopeScaling
from torch_impl.layers import rotary_angles, sinusoidal_positions


def kept(table: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A table once for each of its arguments; of a compiled program, a constant."""
    computed = lru_cache(maxsize=32)(table)

    def constant(*sizes: Any) -> Tensor:
        return computed(*sizes)

    # What `torch.compiler.assume_constant_result` does, which imports the compiler: a second of every start.
    setattr(constant, "_dynamo_marked_constant", True)  # noqa: B010
    return constant


@kept
def sinusoidal_table(
    max_positions: int, embed: int, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "position embed"]:
    """`sinusoidal_positions`."""
    with torch.inference_mode(False):  # or the first reader would leave a tensor that nobody can train with
        return torch.from_numpy(sinusoidal_positions(max_positions, embed)).to(dtype).to(device)


@kept
def rotary_table(
    max_positions: int,
    head_dim: int,
    theta: float,
    scaling: RopeScaling | None,
    dtype: torch.dtype,
    device: torch.device,
) -> Float[Tensor, "position half"]:
    """`rotary_angles`."""
    with torch.inference_mode(False):
        return torch.from_numpy(rotary_angles(max_positions, head_dim, theta, scaling)).to(dtype).to(device)
