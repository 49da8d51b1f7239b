"""The small models in linen."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen

from parity_tests.pair import JaxModel
from parity_tests.tests.diagnosis import setups
from parity_tests.tests.diagnosis.torch_models import MEAN, VARIANCE

ACTIVATIONS = {
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": jax.nn.gelu,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "quick_gelu": lambda x: x * jax.nn.sigmoid(1.702 * x),
    "leaky": lambda x: jax.nn.leaky_relu(x, 0.2),
    "cubed": lambda x: x**3 + jnp.sin(x),
}


class Norm(linen.Module):
    kind: str
    eps: float

    @linen.compact
    def __call__(self, x):
        scale = self.param("scale", linen.initializers.ones, x.shape[-1:])
        bias = 0 if self.kind == "rms" else self.param("bias", linen.initializers.zeros, x.shape[-1:])
        return normed(x, scale, bias, self.kind, self.eps)


def normed(x, scale, bias, kind, eps):
    if kind == "rms":
        return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + eps) * scale
    variance = x.var(-1, keepdims=True, ddof=int(kind == "unbiased"))
    gain = 1 + scale if kind == "1 + scale" else scale
    return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(variance + eps) * gain + bias


class Encoder(linen.Module):
    setup_: setups.Encoder

    @linen.compact
    def __call__(self, ids, mask):
        s, width = self.setup_, setups.EMBED
        make = {"layer": lambda name: linen.LayerNorm(s.eps, name=name)}
        norms = {
            name: make.get(s.norm, lambda name: Norm(s.norm, s.eps, name=name))(name)
            for name in ("norm1", "norm2", "norm")
        }
        seen = {"padding": mask, "inverted": ~mask, "none": mask | True}[s.mask][:, None, None]
        x = linen.Embed(setups.VOCAB, width, name="tokens")(ids) * (width**0.5 if s.scaled else 1)
        places = s.first + jnp.arange(ids.shape[1])
        x = x + linen.Embed(setups.POSITIONS, width, name="positions")(places)
        h = x if s.post_norm else norms["norm1"](x)
        a = linen.MultiHeadDotProductAttention(setups.HEADS, name="attention")(h, mask=seen)
        x = {"x": x, "normed": h, "none": 0}[s.skip] + a
        x = norms["norm1"](x) if s.post_norm else x
        u = linen.Dense(setups.MLP, name="up")(x if s.post_norm else norms["norm2"](x))
        u = ACTIVATIONS[s.activation](u)
        u = u.astype(jnp.float32).astype(u.dtype) if s.float32 else u
        x = x + linen.Dense(width, name="down")(u)
        return norms["norm"](norms["norm2"](x) if s.post_norm else x)


def split(x, order):
    if order == "heads head_dim":
        return x.reshape(*x.shape[:2], setups.HEADS, -1).swapaxes(1, 2)
    return x.reshape(*x.shape[:2], -1, setups.HEADS).transpose(0, 3, 1, 2)


def turn(x, s):
    half = x.shape[-1] // 2
    if s.rotary == "none":
        return x
    places = s.first + jnp.arange(x.shape[2], dtype=x.dtype)
    angles = places[:, None] * s.base ** (-jnp.arange(half, dtype=x.dtype) / half)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    if s.rotary == "halves":
        a, b = x[..., :half], x[..., half:]
        return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)
    a, b = x[..., 0::2], x[..., 1::2]
    return jnp.stack([a * cos - b * sin, b * cos + a * sin], -1).reshape(x.shape)


def attend(made, s):
    """(batch position embed) of queries, keys and values."""
    q, k, v = (split(made[name], s.split) for name in s.taken)
    scores = turn(q, s) @ turn(k, s).swapaxes(-1, -2) * s.scale
    length = q.shape[2]
    ahead = {"causal": 0, "one ahead": 1, "none": length}[s.mask]
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool), ahead), scores, -1e9)
    kind = jnp.float32 if s.float32 else scores.dtype
    y = jax.nn.softmax(scores.astype(kind), axis=s.softmax).astype(v.dtype) @ v
    y = y.swapaxes(1, 2) if s.merged == "heads head_dim" else y.transpose(0, 2, 3, 1)
    return y.reshape(*y.shape[:2], -1)


class Heads(linen.Module):
    setup_: setups.Heads

    @linen.compact
    def __call__(self, x):
        made = {
            letter: linen.Dense(setups.EMBED, name=name)(x)
            for letter, name in zip("qkv", ("query", "key", "value"), strict=True)
        }
        return linen.Dense(setups.EMBED, name="out")(attend(made, self.setup_))


class Convolutions(linen.Module):
    setup_: setups.Convolutions

    @linen.compact
    def __call__(self, x):
        s = self.setup_
        stem = linen.Conv(6, (3, 3), s.stride, padding=[s.padding] * 2, name="stem")
        x = stem(jnp.moveaxis(x, 1, -1))
        x = linen.BatchNorm(s.statistics != "batch", epsilon=s.eps, name="norm")(x)
        x = ACTIVATIONS[s.activation](linen.Conv(6, (3, 3), name="conv")(x))
        return linen.Dense(5, name="head")(flat(pooled(x, s.pooling), s.flatten))


def pooled(x, pooling):
    around = ((1, 1), (1, 1))
    if pooling == "max":
        return linen.max_pool(x, (2, 2), (2, 2), around)
    return linen.avg_pool(x, (2, 2), (2, 2), around, count_include_pad="counted" in pooling)


def flat(x, order):
    return (jnp.moveaxis(x, -1, 1) if order == "c h w" else x).reshape(len(x), -1)


def candidate(kind, setup):
    model = globals()[kind](setup)
    if kind != "Convolutions":
        return JaxModel(model)
    with jax.numpy_dtype_promotion("standard"):
        variables = jax.jit(model.init)(jax.random.key(0), setups.IMAGES["x"].astype(np.float32))
    if setup.statistics == "new":
        return JaxModel(model, variables)
    return JaxModel(model, {**variables, "batch_stats": {"norm": {"mean": MEAN, "var": VARIANCE}}})
