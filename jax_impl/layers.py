"""The layers around attention: linear, norms, feed-forward, embeddings, dropout."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key

from jax_impl.config import BlockConfig, FeedForwardConfig, RopeScaling
from jax_impl.initializers import kernel_init, ones, uniform, zeros
from jax_impl.shapes import check_shapes
from jax_impl.taps import Tap, no_tap


def at_least_float32(x: Float[Array, "*axes"]) -> Float[Array, "*axes"]:
    """bfloat16 and float16 become float32, for sums and exponentials; wider types stay."""
    return x.astype(np.promote_types(x.dtype, np.float32))


def add_bias(y: Float[Array, "*axes"], bias: Float[Array, "..."] | None) -> Float[Array, "*axes"]:
    """y + b over the last axes, widened: the bias's gradient is a sum over all rows. No bias: y."""
    if bias is None:
        return y
    wide_bias = jnp.broadcast_to(at_least_float32(bias), y.shape)
    return (at_least_float32(y) + wide_bias).astype(y.dtype)


def linear(
    x: Float[Array, "*axes inputs"],
    kernel: Float[Array, "inputs outputs"],
    bias: Float[Array, "outputs"] | None,
) -> Float[Array, "*axes outputs"]:
    """x W + b over the last axis."""
    rows = x.reshape(-1, x.shape[-1])  # one axis: over several, XLA sums the kernel's gradient in bfloat16
    return add_bias(jnp.einsum("ri,io->ro", rows, kernel).reshape(*x.shape[:-1], kernel.shape[1]), bias)


def layer_norm(
    x: Float[Array, "*axes embed"],
    scale: Float[Array, "embed"],
    bias: Float[Array, "embed"],
    eps: float,
) -> Float[Array, "*axes embed"]:
    """Zero mean and unit variance over embed, then scale and bias (Ba et al. 2016, section 3).

    The variance is the mean squared deviation; E[x^2] - E[x]^2 would lose digits.
    """
    wide = at_least_float32(x)
    centred = wide - wide.mean(axis=-1, keepdims=True)
    variance = jnp.square(centred).mean(axis=-1, keepdims=True)
    normal = centred * jax.lax.rsqrt(variance + eps)
    wide_scale, wide_bias = (jnp.broadcast_to(at_least_float32(p), x.shape) for p in (scale, bias))
    return (normal * wide_scale + wide_bias).astype(x.dtype)


def rms_norm(
    x: Float[Array, "*axes embed"], scale: Float[Array, "embed"], eps: float
) -> Float[Array, "*axes embed"]:
    """Unit root mean square over embed, then scale (Zhang and Sennrich 2019, eq. 4)."""
    wide = at_least_float32(x)
    normal = wide * jax.lax.rsqrt(jnp.square(wide).mean(axis=-1, keepdims=True) + eps)
    return (normal * jnp.broadcast_to(at_least_float32(scale), x.shape)).astype(x.dtype)


def gelu(x: Float[Array, "*axes"]) -> Float[Array, "*axes"]:
    """x * P(X <= x) for a standard normal X, exact (Hendrycks and Gimpel 2016, section 2): BERT's."""
    wide = at_least_float32(x)
    return (0.5 * wide * (1.0 + jax.lax.erf(wide / math.sqrt(2.0)))).astype(x.dtype)


def gelu_tanh(x: Float[Array, "*axes"]) -> Float[Array, "*axes"]:
    """GELU by its tanh approximation (Hendrycks and Gimpel 2016, section 2): GPT-2's."""
    wide = at_least_float32(x)
    inner = math.sqrt(2.0 / math.pi) * (wide + 0.044715 * wide * wide * wide)
    return (0.5 * wide * (1.0 + jnp.tanh(inner))).astype(x.dtype)


def relu(x: Float[Array, "*axes"]) -> Float[Array, "*axes"]:
    """max(0, x), with slope 0 at 0: the original transformer's."""
    return jax.nn.relu(x)


def silu(x: Float[Array, "*axes"]) -> Float[Array, "*axes"]:
    """x * sigmoid(x) (Hendrycks and Gimpel 2016, section 2): the gate of Llama's feed-forward."""
    wide = at_least_float32(x)
    return (wide * jax.nn.sigmoid(wide)).astype(x.dtype)


ACTIVATIONS = {"gelu": gelu, "gelu_tanh": gelu_tanh, "relu": relu, "silu": silu}


def dropout(
    x: Float[Array, "*axes"], rate: float, rng: Key[Array, ""] | None = None
) -> Float[Array, "*axes"]:
    """Zero each element with probability ``rate`` and scale the rest by 1 / (1 - rate).

    Every element draws its own 32 random bits, so the mask depends on the key and the shape alone, not
    on the dtype. Without a key nothing is dropped. (Srivastava et al. 2014, section 4, the scaling moved
    to training.)
    """
    if rng is None or rate == 0.0:
        return x
    kept = jax.random.bits(rng, x.shape, jnp.uint32) >= jnp.uint32(round(rate * 2**32))
    return jnp.where(kept, (at_least_float32(x) / (1.0 - rate)).astype(x.dtype), 0.0)


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
    """x W + b. Parameters: kernel (inputs outputs), Xavier or of that ``std``; bias (outputs), zero."""

    inputs: int
    outputs: int
    use_bias: bool = True
    std: float | None = None

    def setup(self) -> None:
        shape = (self.inputs, self.outputs)
        self.kernel = self.param("kernel", kernel_init(self.inputs, self.outputs, self.std), shape)
        self.bias = self.param("bias", zeros, (self.outputs,)) if self.use_bias else None

    def __call__(self, x: Float[Array, "*axes inputs"]) -> Float[Array, "*axes outputs"]:
        return linear(x, self.kernel, self.bias)


class LayerNorm(nn.Module):
    """`layer_norm` with its parameters: scale (embed), one; bias (embed), zero."""

    embed: int
    eps: float = 1e-5

    def setup(self) -> None:
        self.scale = self.param("scale", ones, (self.embed,))
        self.bias = self.param("bias", zeros, (self.embed,))

    def __call__(self, x: Float[Array, "*axes embed"]) -> Float[Array, "*axes embed"]:
        return layer_norm(x, self.scale, self.bias, self.eps)


class RMSNorm(nn.Module):
    """`rms_norm` with its parameter: scale (embed), one."""

    embed: int
    eps: float = 1e-5

    def setup(self) -> None:
        self.scale = self.param("scale", ones, (self.embed,))

    def __call__(self, x: Float[Array, "*axes embed"]) -> Float[Array, "*axes embed"]:
        return rms_norm(x, self.scale, self.eps)


def new_norm(config: BlockConfig) -> LayerNorm | RMSNorm:
    """The norm of a block, over embed."""
    return (RMSNorm if config.norm == "rms" else LayerNorm)(config.embed, config.eps)


class Embedding(nn.Module):
    """One row of embed numbers for each of ``entries``. Ids out of range must be caught on the host."""

    entries: int
    embed: int
    std: float = 0.02

    def setup(self) -> None:
        self.embedding = self.param("embedding", uniform(self.std), (self.entries, self.embed))

    def __call__(self, ids: Int[Array, "*axes"]) -> Float[Array, "*axes embed"]:
        return jnp.take(self.embedding, ids, axis=0)

    def table(self) -> Float[Array, "entries embed"]:
        """All rows, for an output projection that is tied to them (Press and Wolf 2017, section 2)."""
        return self.embedding


def gather_positions(
    x: Float[Array, "batch position embed"], positions: Int[Array, "batch read"]
) -> Float[Array, "batch read embed"]:
    """Each row's vectors at its own positions."""
    return jnp.take_along_axis(x, positions[:, :, None], axis=1)


class FeedForward(nn.Module):
    """down(activation(up(x))), embed -> mlp -> embed (Vaswani et al. 2017, section 3.3, eq. 2).

    ``gated`` is down(activation(gate(x)) * up(x)) (Shazeer 2020, eq. 6); with "silu" it is SwiGLU.
    """

    config: FeedForwardConfig

    def setup(self) -> None:
        config = self.config
        inputs = (config.embed, config.mlp, config.use_bias, config.kernel_std)
        if config.gated:
            self.gate = Linear(*inputs)
        self.up = Linear(*inputs)
        self.down = Linear(config.mlp, config.embed, config.use_bias, config.residual_std)

    def __call__(
        self, x: Float[Array, "batch position embed"], tap: Tap = no_tap
    ) -> Float[Array, "batch position embed"]:
        check_shapes({"embed": self.config.embed}, x=(x, "batch position embed"))
        activate = ACTIVATIONS[self.config.activation]
        hidden = tap("hidden", self.up(x), "batch position mlp")
        if self.config.gated:
            gate = tap("gate", self.gate(x), "batch position mlp")
            active = tap("active", activate(gate) * hidden, "batch position mlp")
        else:
            active = tap("active", activate(hidden), "batch position mlp")
        return tap("output", self.down(active), "batch position embed")
