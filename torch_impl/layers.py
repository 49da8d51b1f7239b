"""The layers around attention: linear, layer norm, feed-forward, embeddings, dropout."""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from torch_impl import random
from torch_impl.initial import ones, parameter, uniform, xavier, zeros
from torch_impl.random import Key
from torch_impl.taps import Tap, no_tap


def at_least_float32(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """bfloat16 and float16 become float32, for sums and exponentials; wider types stay."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def add_bias(y: Float[Tensor, "*axes"], bias: Float[Tensor, "..."]) -> Float[Tensor, "*axes"]:
    """y + b over the last axes, widened: the bias's gradient is a sum over all rows."""
    return (at_least_float32(y) + at_least_float32(bias)).to(y.dtype)


def linear(
    x: Float[Tensor, "*axes inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, "outputs"],
) -> Float[Tensor, "*axes outputs"]:
    """x W^T + b over the last axis: PyTorch keeps the weight as (outputs inputs)."""
    return add_bias(torch.einsum("...i,oi->...o", x, weight), bias)


def layer_norm(
    x: Float[Tensor, "*axes embed"],
    scale: Float[Tensor, "embed"],
    bias: Float[Tensor, "embed"],
    epsilon: float,
) -> Float[Tensor, "*axes embed"]:
    """Zero mean and unit variance over embed, then scale and bias (Ba et al. 2016, section 3).

    The variance is the mean squared deviation; E[x^2] - E[x]^2 would lose digits.
    """
    wide = at_least_float32(x)
    centred = wide - wide.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    normal = centred * torch.rsqrt(variance + epsilon)
    wide_scale, wide_bias = (at_least_float32(p) for p in (scale, bias))
    return (normal * wide_scale + wide_bias).to(x.dtype)


def gelu(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """x * P(X <= x) for a standard normal X, exact (Hendrycks and Gimpel 2016, section 2): BERT's."""
    wide = at_least_float32(x)
    return (0.5 * wide * (1.0 + torch.erf(wide / math.sqrt(2.0)))).to(x.dtype)


def gelu_tanh(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """GELU by its tanh approximation (Hendrycks and Gimpel 2016, section 2): GPT-2's."""
    wide = at_least_float32(x)
    inner = math.sqrt(2.0 / math.pi) * (wide + 0.044715 * wide * wide * wide)
    return (0.5 * wide * (1.0 + torch.tanh(inner))).to(x.dtype)


def relu(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """max(0, x), with slope 0 at 0: the original transformer's."""
    return torch.relu(x)


ACTIVATIONS = {"gelu": gelu, "gelu_tanh": gelu_tanh, "relu": relu}


def dropout(x: Float[Tensor, "*axes"], rate: float, rng: Key | None = None) -> Float[Tensor, "*axes"]:
    """Zero each element with probability ``rate`` and scale the rest by 1 / (1 - rate).

    Every element draws its own 32 random bits, so the mask depends on the key and the shape alone, not
    on the dtype. Without a key nothing is dropped. (Srivastava et al. 2014, section 4, the scaling moved
    to training.)
    """
    if rng is None or rate == 0.0:
        return x
    # int32 orders as uint32 does once both sides are shifted by -2^31, that is, the top bit is flipped.
    shifted = random.bits(rng, tuple(x.shape), x.device).bitwise_xor_(-(2**31))
    kept = shifted >= round(rate * 2**32) - 2**31
    return torch.where(kept, x / (1.0 - rate), 0.0)


def sinusoidal_positions(positions: int, embed: int) -> Float[np.ndarray, "position embed"]:
    """Sines at even and cosines at odd indices of embed (Vaswani et al. 2017, section 3.5), float64."""
    if embed % 2:
        raise ValueError(f"sinusoidal positions pair sines with cosines: embed={embed} must be even")
    rates = np.power(10000.0, -np.arange(0, embed, 2) / embed)
    angles = np.arange(positions)[:, None] * rates[None, :]
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(positions, embed)


class Linear(nn.Module):
    """x W^T + b. Parameters: weight (outputs inputs), Xavier; bias (outputs), zero."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = parameter(xavier(inputs, outputs), (outputs, inputs))
        self.bias = parameter(zeros, (outputs,))

    def forward(self, x: Float[Tensor, "*axes inputs"]) -> Float[Tensor, "*axes outputs"]:
        return linear(x, self.weight, self.bias)


class LayerNorm(nn.Module):
    """`layer_norm` with its parameters: weight (embed), one; bias (embed), zero."""

    def __init__(self, embed: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = parameter(ones, (embed,))
        self.bias = parameter(zeros, (embed,))

    def forward(self, x: Float[Tensor, "*axes embed"]) -> Float[Tensor, "*axes embed"]:
        return layer_norm(x, self.weight, self.bias, self.epsilon)


class Embedding(nn.Module):
    """One row of embed numbers for each of ``entries``. Ids out of range must be caught on the host."""

    def __init__(self, entries: int, embed: int, std: float = 0.02) -> None:
        super().__init__()
        self.weight = parameter(uniform(std), (entries, embed))

    def forward(self, ids: Int[Tensor, "*axes"]) -> Float[Tensor, "*axes embed"]:
        return torch.nn.functional.embedding(ids, self.weight)


class FeedForward(nn.Module):
    """down(activation(up(x))), embed -> mlp -> embed (Vaswani et al. 2017, section 3.3, eq. 2)."""

    def __init__(self, embed: int, mlp: int, activation: str = "gelu") -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation={activation!r}: choose one of {list(ACTIVATIONS)}")
        self.activation = activation
        self.up = Linear(embed, mlp)
        self.down = Linear(mlp, embed)

    def forward(
        self, x: Float[Tensor, "batch position embed"], tap: Tap = no_tap
    ) -> Float[Tensor, "batch position embed"]:
        hidden = tap("hidden", self.up(x), "batch position mlp")
        active = tap("active", ACTIVATIONS[self.activation](hidden), "batch position mlp")
        return tap("output", self.down(active), "batch position embed")
