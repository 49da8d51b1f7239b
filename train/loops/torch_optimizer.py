"""The mirror of `jax_optimizer` in PyTorch, which changes parameters and state in place.

Parameters go by their names in Flax, and have PyTorch's layout.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from train.config import Optimizer
from train.loops.optimizer import MOMENTS, Rates, decays

Tensors = Mapping[str, Tensor]
Moments = dict[str, Float[Tensor, "*axes"]]
State = dict[str, Moments]


def init(params: Tensors, optimizer: Optimizer) -> State:
    """The state before the first update: zeros."""
    return {
        name: {moment: torch.zeros_like(parameter) for moment in MOMENTS[optimizer.method]}
        for name, parameter in params.items()
    }


@torch.no_grad()
def update(
    params: Tensors, state: State, gradient: Tensors, rates: Rates, optimizer: Optimizer
) -> Float[Tensor, ""]:
    """One update in place; returns the gradient's global norm before clipping.

    Clipping comes first, then the method. Decay is decoupled (Loshchilov & Hutter 2019) under both methods:
    the moments know nothing of it, and it is scaled by the learning rate alone. For SGD that is not PyTorch's
    definition, which adds the decay to the gradient.
    """
    norm = clip_by_global_norm(gradient, optimizer.clip)
    for name, parameter in params.items():
        direction = METHODS[optimizer.method](gradient[name], state[name], rates, optimizer)
        if decays(name):
            direction = direction.add(parameter, alpha=optimizer.weight_decay)
        parameter.sub_(direction, alpha=rates.learning_rate)
    return norm


def clip_by_global_norm(gradient: Tensors, largest: float) -> Float[Tensor, ""]:
    """Scale the gradient in place so that its joint norm is at most ``largest``; returns the norm before.

    PyTorch's own clipping adds 1e-6 to the norm, which optax does not.
    """
    tensors = list(gradient.values())
    norm = torch.nn.utils.get_total_norm(tensors)
    torch._foreach_mul_(tensors, torch.clamp(largest / norm, max=1.0))
    return norm


def adam(
    gradient: Float[Tensor, "*axes"], state: Moments, rates: Rates, optimizer: Optimizer
) -> Float[Tensor, "*axes"]:
    """Where a parameter goes: Kingma & Ba 2015, algorithm 1."""
    mean = state["mean"].mul_(optimizer.beta1).add_(gradient, alpha=1.0 - optimizer.beta1)
    square = state["square"].mul_(optimizer.beta2).addcmul_(gradient, gradient, value=1.0 - optimizer.beta2)
    root = (square / rates.square_weight).sqrt_().add_(optimizer.eps)
    return (mean / rates.mean_weight).div_(root)


def sgd(
    gradient: Float[Tensor, "*axes"], state: Moments, rates: Rates, optimizer: Optimizer
) -> Float[Tensor, "*axes"]:
    """The same with momentum: beta1 of the last direction, and the gradient undamped."""
    return state["momentum"].mul_(optimizer.beta1).add_(gradient)


METHODS = {"adamw": adam, "sgd": sgd}
