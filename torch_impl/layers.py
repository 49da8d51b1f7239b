"""The layers around attention: linear, norms, feed-forward, embeddings, dropout."""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from torch_impl import random
from torch_impl.config import BlockConfig, FeedForwardConfig, RopeScaling
from torch_impl.initializers import kernel_init, ones, parameter, uniform, zeros
from torch_impl.random import Key
from torch_impl.shapes import check_shapes
from torch_impl.taps import Tap, no_tap


def at_least_float32(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """bfloat16 and float16 become float32, for sums and exponentials; wider types stay."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def add_bias(y: Float[Tensor, "*axes"], bias: Float[Tensor, "..."] | None) -> Float[Tensor, "*axes"]:
    """y + b over the last axes, widened: the bias's gradient is a sum over all rows. No bias: y."""
    if bias is None:
        return y
    return (at_least_float32(y) + at_least_float32(bias)).to(y.dtype)


def linear(
    x: Float[Tensor, "*axes inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, "outputs"] | None,
) -> Float[Tensor, "*axes outputs"]:
    """x W^T + b over the last axis: PyTorch keeps the weight as (outputs inputs)."""
    return add_bias(torch.matmul(x, weight.T), bias)


def layer_norm(
    x: Float[Tensor, "*axes embed"],
    scale: Float[Tensor, "embed"],
    bias: Float[Tensor, "embed"],
    eps: float,
) -> Float[Tensor, "*axes embed"]:
    """Zero mean and unit variance over embed, then scale and bias (Ba et al. 2016, section 3).

    The variance is the mean squared deviation; E[x^2] - E[x]^2 would lose digits.
    """
    wide = at_least_float32(x)
    centred = wide - wide.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    normal = centred * torch.rsqrt(variance + eps)
    wide_scale, wide_bias = (at_least_float32(p) for p in (scale, bias))
    return (normal * wide_scale + wide_bias).to(x.dtype)


def rms_norm(
    x: Float[Tensor, "*axes embed"], scale: Float[Tensor, "embed"], eps: float
) -> Float[Tensor, "*axes embed"]:
    """Unit root mean square over embed, then scale (Zhang and Sennrich 2019, eq. 4)."""
    wide = at_least_float32(x)
    normal = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + eps)
    return (normal * at_least_float32(scale)).to(x.dtype)


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


def silu(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """x * sigmoid(x) (Hendrycks and Gimpel 2016, section 2): the gate of Llama's feed-forward."""
    wide = at_least_float32(x)
    return (wide * torch.sigmoid(wide)).to(x.dtype)


ACTIVATIONS = {"gelu": gelu, "gelu_tanh": gelu_tanh, "relu": relu, "silu": silu}


def dropout(x: Float[Tensor, "*axes"], rate: float, rng: Key | None = None) -> Float[Tensor, "*axes"]:
    """Zero each element with probability ``rate`` and scale the rest by 1 / (1 - rate).

    Every element draws its own 32 random bits, so the mask depends on the key and the shape alone, not
    on the dtype. Without a key nothing is dropped. (Srivastava et al. 2014, section 4, the scaling moved
    to training.)
    """
    if rng is None or rate == 0.0:
        return x
    # int32 orders as uint32 does once both sides are shifted by -2^31, that is, the top bit is flipped.
    shifted = random.bits(rng, tuple(x.shape), device=x.device).bitwise_xor_(-(2**31))
    kept = shifted >= round(rate * 2**32) - 2**31
    return torch.where(kept, (at_least_float32(x) / (1.0 - rate)).to(x.dtype), 0.0)


def sinusoidal_positions(max_positions: int, embed: int) -> Float[np.ndarray, "position embed"]:
    """Sines at even and cosines at odd indices of embed (Vaswani et al. 2017, section 3.5), float64."""
    if embed % 2:
        raise ValueError(f"sinusoidal positions pair sines with cosines: embed={embed} must be even")
    rates = np.power(10000.0, -np.arange(0, embed, 2) / embed)
    angles = np.arange(max_positions)[:, None] * rates[None, :]
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(max_positions, embed)


def rotary_angles(
    max_positions: int, head_dim: int, theta: float = 10000.0, scaling: RopeScaling | None = None
) -> Float[np.ndarray, "position half"]:
    """The angle by which each position turns each pair of a head (Su et al. 2021, section 3.2.2), float64.

    ``scaling`` slows the turning. Full turns are left out, so that float32 holds the rest to its last digit
    at any position.
    """
    if head_dim % 2:
        raise ValueError(f"rotary positions turn pairs of numbers: head_dim={head_dim} must be even")
    rates = np.power(theta, -np.arange(0, head_dim, 2) / head_dim)
    if scaling is not None:
        rates = scaled_rates(rates, scaling)
    return np.arange(max_positions)[:, None] * rates[None, :] % (2.0 * np.pi)


def scaled_rates(rates: Float[np.ndarray, "half"], scaling: RopeScaling) -> Float[np.ndarray, "half"]:
    """The rates divided by the factor (Chen et al. 2023, eq. 4), or, for "llama3", the slow ones alone.

    A pair that turns less than ``low_freq_factor`` times in the original length is slow, more than
    ``high_freq_factor`` times fast; between the two it is slowed in part (Grattafiori et al. 2024, section
    3.4.2, and meta-llama's code).
    """
    if scaling.kind == "linear":
        return rates / scaling.factor
    turns = scaling.original_max_positions * rates / (2.0 * np.pi)
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    fast = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return (1.0 - fast) * rates / scaling.factor + fast * rates


class Linear(nn.Module):
    """x W^T + b. Parameters: weight (outputs inputs), Xavier or of that ``std``; bias (outputs), zero."""

    def __init__(self, inputs: int, outputs: int, use_bias: bool = True, std: float | None = None) -> None:
        super().__init__()
        self.weight = parameter(kernel_init(inputs, outputs, std), (outputs, inputs))
        self.bias = parameter(zeros, (outputs,)) if use_bias else None

    def forward(self, x: Float[Tensor, "*axes inputs"]) -> Float[Tensor, "*axes outputs"]:
        return linear(x, self.weight, self.bias)


class LayerNorm(nn.Module):
    """`layer_norm` with its parameters: weight (embed), one; bias (embed), zero."""

    def __init__(self, embed: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = parameter(ones, (embed,))
        self.bias = parameter(zeros, (embed,))

    def forward(self, x: Float[Tensor, "*axes embed"]) -> Float[Tensor, "*axes embed"]:
        return layer_norm(x, self.weight, self.bias, self.eps)


class RMSNorm(nn.Module):
    """`rms_norm` with its parameter: weight (embed), one."""

    def __init__(self, embed: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = parameter(ones, (embed,))

    def forward(self, x: Float[Tensor, "*axes embed"]) -> Float[Tensor, "*axes embed"]:
        return rms_norm(x, self.weight, self.eps)


def new_norm(config: BlockConfig) -> LayerNorm | RMSNorm:
    """The norm of a block, over embed."""
    return (RMSNorm if config.norm == "rms" else LayerNorm)(config.embed, config.eps)


class Embedding(nn.Module):
    """One row of embed numbers for each of ``entries``. Ids out of range must be caught on the host."""

    def __init__(self, entries: int, embed: int, std: float = 0.02) -> None:
        super().__init__()
        self.weight = parameter(uniform(std), (entries, embed))

    def forward(self, ids: Int[Tensor, "*axes"]) -> Float[Tensor, "*axes embed"]:
        return torch.nn.functional.embedding(ids, self.weight)

    def table(self) -> Float[Tensor, "entries embed"]:
        """All rows, for an output projection that is tied to them (Press and Wolf 2017, section 2)."""
        return self.weight


def gather_positions(
    x: Float[Tensor, "batch position embed"], positions: Int[Tensor, "batch read"]
) -> Float[Tensor, "batch read embed"]:
    """Each row's vectors at its own positions."""
    places = positions[:, :, None].long().expand(-1, -1, x.shape[2])  # take_along_dim fixes traced sizes
    return x.gather(1, places)


class FeedForward(nn.Module):
    """down(activation(up(x))), embed -> mlp -> embed (Vaswani et al. 2017, section 3.3, eq. 2).

    ``gated`` is down(activation(gate(x)) * up(x)) (Shazeer 2020, eq. 6); with "silu" it is SwiGLU.
    """

    def __init__(self, config: FeedForwardConfig) -> None:
        super().__init__()
        self.config = config
        inputs = (config.embed, config.mlp, config.use_bias, config.kernel_std)
        if config.gated:
            self.gate = Linear(*inputs)
        self.up = Linear(*inputs)
        self.down = Linear(config.mlp, config.embed, config.use_bias, config.residual_std)

    def forward(
        self, x: Float[Tensor, "batch position embed"], tap: Tap = no_tap
    ) -> Float[Tensor, "batch position embed"]:
        check_shapes({"embed": self.config.embed}, x=(x, "batch position embed"))
        activate = ACTIVATIONS[self.config.activation]
        hidden = tap("hidden", self.up(x), "batch position mlp")
        if self.config.gated:
            gate = tap("gate", self.gate(x), "batch position mlp")
            active = tap("active", activate(gate) * hidden, "batch position mlp")
        else:
            active = tap("active", activate(hidden), "batch position mlp")
        return tap("output", self.down(active), "batch position embed")
