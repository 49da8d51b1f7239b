"""Adam and SGD, which change parameters and state in place.

Parameters go by their names in Flax, and have PyTorch's layout. The state is of each parameter, by its name,
the moments that the method keeps.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.adam import adam as adam_kernel

from torch_impl.config import OptimizerConfig

Tensors = Mapping[str, Tensor]
Moments = dict[str, Float[Tensor, "*axes"]]
State = dict[str, Moments]

# What is kept of each parameter between updates, by method.
MOMENTS = {"adamw": ("mean", "square"), "sgd": ("momentum",)}
DECAYED = ("kernel", "embedding")


class Rates(NamedTuple):
    """What an update needs to know of its step, in float64: in float32, 1 - 0.999 is wrong by 1e-5."""

    learning_rate: float
    mean_weight: float
    """The weights that Adam's running mean gives to all gradients so far, together: 1 - beta1^updates."""
    square_weight: float
    """The same of the running mean of squares: 1 - beta2^updates."""


def decays(name: str, config: OptimizerConfig) -> bool:
    """Whether weights decay that Flax calls ``name``: kernels and embeddings, or all."""
    return config.decayed == "all" or name.split("/")[-1] in DECAYED


def init(params: Tensors, config: OptimizerConfig) -> State:
    """The state before the first update: zeros."""
    return {
        name: {moment: torch.zeros_like(parameter) for moment in MOMENTS[config.method]}
        for name, parameter in params.items()
    }


@torch.no_grad()
def update(
    params: Tensors, state: State, gradient: Tensors, rates: Rates, config: OptimizerConfig
) -> Float[Tensor, ""]:
    """One update in place; returns the gradient's global norm before clipping.

    Clipping comes first, then the method. Decay is decoupled (Loshchilov & Hutter 2019) under both methods:
    the moments know nothing of it, and it is scaled by the learning rate alone. Coupled, it is part of the
    gradient that the method sees, as PyTorch's Adam and SGD define it; the norm is of the gradient without.
    """
    norm = clip_by_global_norm(gradient, config.clip)
    if config.fused and config.method == "adamw":
        fused_adam(params, state, gradient, rates, config)
        return norm
    for name, parameter in params.items():
        seen, decay = gradient[name], decays(name, config)
        if decay and config.coupled:
            seen = seen.add(parameter, alpha=config.weight_decay)
        direction = METHODS[config.method](seen, state[name], rates, config)
        if decay and not config.coupled:
            direction = direction.add(parameter, alpha=config.weight_decay)
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
    gradient: Float[Tensor, "*axes"], state: Moments, rates: Rates, config: OptimizerConfig
) -> Float[Tensor, "*axes"]:
    """Where a parameter goes: Kingma & Ba 2015, algorithm 1."""
    mean = state["mean"].mul_(config.beta1).add_(gradient, alpha=1.0 - config.beta1)
    square = state["square"].mul_(config.beta2).addcmul_(gradient, gradient, value=1.0 - config.beta2)
    root = (square / rates.square_weight).sqrt_().add_(config.eps)
    return (mean / rates.mean_weight).div_(root)


def fused_adam(
    params: Tensors, state: State, gradient: Tensors, rates: Rates, config: OptimizerConfig
) -> None:
    """What `adam` and the decay do with all parameters, in place, by PyTorch's kernel.

    The kernel would count updates. Here the running means' weights go into the learning rate and eps, as
    Kingma & Ba 2015 reorder them (end of section 2), and the count is infinite, at which it corrects nothing.
    A decay that is decoupled goes by that learning rate too, and is scaled back; a coupled one does not.
    """
    count = torch.full((), math.inf, device=next(iter(params.values())).device)
    root = math.sqrt(rates.square_weight)
    learning_rate = rates.learning_rate * root / rates.mean_weight
    weight_decay = config.weight_decay * (1.0 if config.coupled else rates.mean_weight / root)
    for decay in (True, False):
        names = [name for name in params if decays(name, config) == decay]
        adam_kernel(
            [params[name] for name in names],
            [gradient[name] for name in names],
            [state[name]["mean"] for name in names],
            [state[name]["square"] for name in names],
            [],
            [count] * len(names),
            fused=True,
            amsgrad=False,
            maximize=False,
            beta1=config.beta1,
            beta2=config.beta2,
            lr=learning_rate,
            weight_decay=weight_decay if decay else 0.0,
            decoupled_weight_decay=not config.coupled,
            eps=config.eps * root,
        )


def sgd(
    gradient: Float[Tensor, "*axes"], state: Moments, rates: Rates, config: OptimizerConfig
) -> Float[Tensor, "*axes"]:
    """The same with momentum: beta1 of the last direction, and the gradient undamped."""
    return state["momentum"].mul_(config.beta1).add_(gradient)


METHODS = {"adamw": adam, "sgd": sgd}
