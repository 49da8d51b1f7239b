"""Attention: one pure function, a single head, and many heads."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Key

from jax_impl.initializers import kernel_init, zeros
from jax_impl.layers import Linear, add_bias, at_least_float32, dropout
from jax_impl.taps import Tap, no_tap


def masked_softmax(
    scores: Float[Array, "*axes query key"], mask: Bool[Array, "..."] | None = None
) -> Float[Array, "*axes query key"]:
    """Softmax over the keys that the mask allows. A query that may see no key gets all zeros."""
    wide = at_least_float32(scores)
    if mask is not None:
        wide = jnp.where(mask, wide, -jnp.inf)
    largest = jax.lax.stop_gradient(wide.max(axis=-1, keepdims=True))
    exponentials = jnp.exp(wide - jnp.where(jnp.isfinite(largest), largest, 0.0))
    total = exponentials.sum(axis=-1, keepdims=True)
    return (exponentials / jnp.where(total == 0.0, 1.0, total)).astype(scores.dtype)


def scaled_dot_product_attention(
    query: Float[Array, "*axes query head_dim"],
    key: Float[Array, "*axes key head_dim"],
    value: Float[Array, "*axes key value_dim"],
    mask: Bool[Array, "..."] | None = None,
    rate: float = 0.0,
    rng: Key[Array, ""] | None = None,
    tap: Tap = no_tap,
) -> Float[Array, "*axes query value_dim"]:
    """softmax(Q K^T / sqrt(head_dim)) V (Vaswani et al. 2017, section 3.2.1, eq. 1).

    ``mask`` is True where a query may look at a key, with as many axes as the scores; axes of size 1
    broadcast. ``rate`` is the dropout on the weights, active when ``rng`` is given.
    """
    axes = "batch heads query key" if query.ndim == 4 else "batch query key"
    scores = at_least_float32(jnp.einsum("...qd,...kd->...qk", query, key)) / math.sqrt(query.shape[-1])
    scores = tap("scores", scores.astype(query.dtype), axes)
    weights = tap("weights", masked_softmax(scores, mask), axes)
    return jnp.einsum("...qk,...kd->...qd", dropout(weights, rate, rng), value)


def rotate(
    x: Float[Array, "batch heads position head_dim"], angles: Float[Array, "position half"]
) -> Float[Array, "batch heads position head_dim"]:
    """Turn numbers i and head_dim / 2 + i, as a point in the plane, by angle i (Su et al. 2021, eq. 34).

    The paper pairs neighbours, 2 i and 2 i + 1. Pairing halves is the same with head_dim in another order,
    and is how Llama's checkpoints are laid out.
    """
    half = x.shape[-1] // 2
    first, second = at_least_float32(x[..., :half]), at_least_float32(x[..., half:])
    wide = at_least_float32(angles)
    cosine, sine = (jnp.broadcast_to(f(wide), first.shape) for f in (jnp.cos, jnp.sin))
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)


class SingleHeadAttention(nn.Module):
    """One head: queries from x, keys and values from context, each embed -> head_dim."""

    embed: int
    head_dim: int
    dropout: float = 0.0

    def setup(self) -> None:
        self.query_projection = Linear(self.embed, self.head_dim)
        self.key_projection = Linear(self.embed, self.head_dim)
        self.value_projection = Linear(self.embed, self.head_dim)

    def __call__(
        self,
        x: Float[Array, "batch query embed"],
        context: Float[Array, "batch key embed"],
        mask: Bool[Array, "#batch #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch query head_dim"]:
        query = tap("query", self.query_projection(x), "batch query head_dim")
        key = tap("key", self.key_projection(context), "batch key head_dim")
        value = tap("value", self.value_projection(context), "batch key head_dim")
        output = scaled_dot_product_attention(query, key, value, mask, self.dropout, rng, tap)
        return tap("output", output, "batch query head_dim")


class InProjection(nn.Module):
    """Project embed onto every head: kernel (embed heads head_dim), bias (heads head_dim)."""

    embed: int
    heads: int
    head_dim: int
    biased: bool = True
    std: float | None = None

    def setup(self) -> None:
        shape = (self.embed, self.heads, self.head_dim)
        self.kernel = self.param(
            "kernel", kernel_init(self.embed, self.heads * self.head_dim, self.std), shape
        )
        self.bias = self.param("bias", zeros, (self.heads, self.head_dim)) if self.biased else None

    def __call__(
        self, x: Float[Array, "batch position embed"]
    ) -> Float[Array, "batch heads position head_dim"]:
        y = add_bias(jnp.einsum("bpe,ehd->bphd", x, self.kernel), self.bias)
        return y.transpose(0, 2, 1, 3)


class OutProjection(nn.Module):
    """Project all heads back onto embed: kernel (heads head_dim embed), bias (embed)."""

    heads: int
    head_dim: int
    embed: int
    biased: bool = True
    std: float | None = None

    def setup(self) -> None:
        shape = (self.heads, self.head_dim, self.embed)
        self.kernel = self.param(
            "kernel", kernel_init(self.heads * self.head_dim, self.embed, self.std), shape
        )
        self.bias = self.param("bias", zeros, (self.embed,)) if self.biased else None

    def __call__(
        self, x: Float[Array, "batch heads position head_dim"]
    ) -> Float[Array, "batch position embed"]:
        return add_bias(jnp.einsum("bhpd,hde->bpe", x, self.kernel), self.bias)


class MultiHeadAttention(nn.Module):
    """Heads side by side, each embed / heads wide (Vaswani et al. 2017, section 3.2.2).

    Self-attention passes x as its own context; cross-attention passes another sequence. ``kv_heads`` keys
    and values each serve a group of heads, heads / kv_heads of them (Ainslie et al. 2023, section 2.2).
    ``angles`` turn queries and keys (`rotate`). ``mask`` has a column for each key that the tap "key" hands
    on, which may be more than there are in context: a cache puts the earlier ones there.
    """

    embed: int
    heads: int
    dropout: float = 0.0
    kv_heads: int | None = None
    biased: bool = True
    std: float | None = None
    residual_std: float | None = None

    def setup(self) -> None:
        if self.embed % self.heads:
            raise ValueError(
                f"heads={self.heads} does not divide embed={self.embed}: each head needs the same "
                f"width; choose embed as a multiple of heads"
            )
        head_dim = self.embed // self.heads
        kv_heads = self.heads if self.kv_heads is None else self.kv_heads
        if self.heads % kv_heads:
            raise ValueError(f"kv_heads={kv_heads} does not divide heads={self.heads} into equal groups")
        self.group = self.heads // kv_heads
        self.query = InProjection(self.embed, self.heads, head_dim, self.biased, self.std)
        self.key = InProjection(self.embed, kv_heads, head_dim, self.biased, self.std)
        self.value = InProjection(self.embed, kv_heads, head_dim, self.biased, self.std)
        self.output = OutProjection(self.heads, head_dim, self.embed, self.biased, self.residual_std)

    def __call__(
        self,
        x: Float[Array, "batch query embed"],
        context: Float[Array, "batch key embed"],
        mask: Bool[Array, "#batch #heads #query columns"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        angles: Float[Array, "query half"] | None = None,
    ) -> Float[Array, "batch query embed"]:
        query, key = self.query(x), self.key(context)
        if angles is not None:
            query, key = rotate(query, angles), rotate(key, angles)
        query = tap("query", query, "batch heads query head_dim")
        key = tap("key", key, "batch heads key head_dim")
        value = tap("value", self.value(context), "batch heads key head_dim")
        key, value = (jnp.repeat(each, self.group, axis=1) for each in (key, value))
        heads_output = scaled_dot_product_attention(query, key, value, mask, self.dropout, rng, tap)
        heads_output = tap("heads_output", heads_output, "batch heads query head_dim")
        return tap("output", self.output(heads_output), "batch query embed")
