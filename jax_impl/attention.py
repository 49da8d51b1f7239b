"""Attention: one pure function, a single head, and many heads."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.cache import KeyValue, update
from jax_impl.config import AttentionConfig
from jax_impl.initializers import kernel_init, zeros
from jax_impl.layers import Linear, RMSNorm, at_least_float32, dropout, linear
from jax_impl.shapes import check_shapes
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


def join_groups(
    x: Float[Array, "*axes heads query size"], group: int
) -> Float[Array, "*axes kv_heads rows size"]:
    """The queries of ``group`` heads that follow each other, as rows of the one head of keys that they share.

    So no head of keys is repeated for them (Ainslie et al. 2023, section 2.2).
    """
    *axes, heads, query, size = x.shape
    return x.reshape(*axes, heads // group, group * query, size)


def split_groups(
    x: Float[Array, "*axes kv_heads rows size"], group: int
) -> Float[Array, "*axes heads query size"]:
    """The inverse of `join_groups`."""
    *axes, kv_heads, rows, size = x.shape
    return x.reshape(*axes, kv_heads * group, rows // group, size)


def scaled_dot_product_attention(
    query: Float[Array, "*axes query head_dim"],
    key: Float[Array, "*groups key head_dim"],
    value: Float[Array, "*groups key value_dim"],
    mask: Bool[Array, "..."] | None = None,
    rate: float = 0.0,
    rng: Key[Array, ""] | None = None,
    tap: Tap = no_tap,
) -> Float[Array, "*axes query value_dim"]:
    """softmax(Q K^T / sqrt(head_dim)) V (Vaswani et al. 2017, section 3.2.1, eq. 1).

    ``mask`` is True where a query may look at a key, with as many axes as the scores; axes of size 1
    broadcast. ``rate`` is the dropout on the weights, active when ``rng`` is given. Of fewer heads of keys
    and values, each serves a group of queries' heads that follow each other (`join_groups`).
    """
    axes = "batch heads query key" if query.ndim == 4 else "batch query key"
    group = query.shape[1] // key.shape[1] if query.ndim == 4 else 1
    products = split_groups(jnp.einsum("...qd,...kd->...qk", join_groups(query, group), key), group)
    scores = at_least_float32(products) / math.sqrt(query.shape[-1])
    scores = tap("scores", scores.astype(query.dtype), axes)
    weights = tap("weights", masked_softmax(scores, mask), axes)
    weights = join_groups(dropout(weights, rate, rng), group)
    return split_groups(jnp.einsum("...qk,...kd->...qd", weights, value), group)


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
    use_bias: bool = True
    std: float | None = None

    def setup(self) -> None:
        shape = (self.embed, self.heads, self.head_dim)
        init = kernel_init(self.embed, self.heads * self.head_dim, self.std)
        self.kernel = self.param("kernel", init, shape)
        self.bias = self.param("bias", zeros, (self.heads, self.head_dim)) if self.use_bias else None

    def __call__(
        self, x: Float[Array, "batch position embed"]
    ) -> Float[Array, "batch heads position head_dim"]:
        kernel = self.kernel.reshape(self.embed, -1)  # one axis of outputs: one matmul for all heads
        bias = None if self.bias is None else self.bias.reshape(-1)
        y = linear(x, kernel, bias).reshape(*x.shape[:-1], self.heads, self.head_dim)
        return y.transpose(0, 2, 1, 3)


class OutProjection(nn.Module):
    """Project all heads back onto embed: kernel (heads head_dim embed), bias (embed)."""

    heads: int
    head_dim: int
    embed: int
    use_bias: bool = True
    std: float | None = None

    def setup(self) -> None:
        shape = (self.heads, self.head_dim, self.embed)
        init = kernel_init(self.heads * self.head_dim, self.embed, self.std)
        self.kernel = self.param("kernel", init, shape)
        self.bias = self.param("bias", zeros, (self.embed,)) if self.use_bias else None

    def __call__(
        self, x: Float[Array, "batch heads position head_dim"]
    ) -> Float[Array, "batch position embed"]:
        rows = x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)
        return linear(rows, self.kernel.reshape(-1, self.embed), self.bias)


class MultiHeadAttention(nn.Module):
    """Heads side by side (Vaswani et al. 2017, section 3.2.2).

    Self-attention passes x as its own context; cross-attention passes another sequence. ``kv_heads`` keys
    and values each serve a group of heads, heads / kv_heads of them (Ainslie et al. 2023, section 2.2). With
    ``qk_norm`` each head's queries and keys are normalised; then ``angles`` turn them (`rotate`).
    """

    config: AttentionConfig

    def setup(self) -> None:
        config = self.config
        inputs = (config.width, config.input_bias, config.kernel_std)
        self.query = InProjection(config.embed, config.heads, *inputs)
        self.key = InProjection(config.embed, config.key_heads, *inputs)
        self.value = InProjection(config.embed, config.key_heads, *inputs)
        if config.qk_norm:
            self.query_norm = RMSNorm(config.width, config.eps)
            self.key_norm = RMSNorm(config.width, config.eps)
        self.output = OutProjection(
            config.heads, config.width, config.embed, config.use_bias, config.residual_std
        )

    def __call__(
        self,
        x: Float[Array, "batch query embed"],
        context: Float[Array, "batch key embed"],
        mask: Bool[Array, "#batch #heads #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        angles: Float[Array, "query half"] | None = None,
    ) -> Float[Array, "batch query embed"]:
        return self.step(x, context, None, 0, mask, rng, tap, angles)[0]

    def step(
        self,
        x: Float[Array, "batch query embed"],
        context: Float[Array, "batch new embed"],
        cache: KeyValue | None,
        start: int | Int[Array, ""],
        mask: Bool[Array, "#batch #heads #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        angles: Float[Array, "query half"] | None = None,
    ) -> tuple[Float[Array, "batch query embed"], KeyValue]:
        """The output, and the keys and values that were read: ``cache``, with context's from ``start`` on.

        Without a cache they are context's alone. ``mask`` has a column for each of them.
        """
        sizes = {"embed": self.config.embed}
        check_shapes(sizes, x=(x, "batch query embed"), context=(context, "batch new embed"))
        query = self.queries(x, tap, angles)
        new = self.keys_values(context, tap, angles)
        memory = new if cache is None else update(cache, new, start)
        return self.attend(query, memory, mask, rng, tap), memory

    def queries(
        self,
        x: Float[Array, "batch query embed"],
        tap: Tap = no_tap,
        angles: Float[Array, "query half"] | None = None,
    ) -> Float[Array, "batch heads query head_dim"]:
        """What each position asks for, head by head."""
        query = self.query(x)
        if self.config.qk_norm:
            query = self.query_norm(query)
        if angles is not None:
            query = rotate(query, angles)
        return tap("query", query, "batch heads query head_dim")

    def keys_values(
        self,
        context: Float[Array, "batch key embed"],
        tap: Tap = no_tap,
        angles: Float[Array, "key half"] | None = None,
    ) -> KeyValue:
        """What each position of the context is found by, and what is read there."""
        key = self.key(context)
        if self.config.qk_norm:
            key = self.key_norm(key)
        if angles is not None:
            key = rotate(key, angles)
        key = tap("key", key, "batch heads key head_dim")
        return KeyValue(key, tap("value", self.value(context), "batch heads key head_dim"))

    def attend(
        self,
        query: Float[Array, "batch heads query head_dim"],
        memory: KeyValue,
        mask: Bool[Array, "#batch #heads #query key"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch query embed"]:
        """What the queries read in the memory, all heads projected onto embed."""
        sizes = {"batch": query.shape[0], "query": query.shape[2], "key": memory.key.shape[2]}
        check_shapes(sizes, mask=(mask, "#batch #heads #query key"))
        key, value = memory
        read = scaled_dot_product_attention(query, key, value, mask, self.config.dropout, rng, tap)
        read = tap("heads_output", read, "batch heads query head_dim")
        return tap("output", self.output(read), "batch query embed")
