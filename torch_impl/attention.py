"""Attention: one pure function, a single head, and many heads."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from torch_impl.cache import KeyValue, update
from torch_impl.config import AttentionConfig
from torch_impl.initializers import kernel_init, parameter, zeros
from torch_impl.layers import Linear, RMSNorm, at_least_float32, dropout, linear
from torch_impl.random import Key
from torch_impl.shapes import check_shapes
from torch_impl.taps import Tap, no_tap


def masked_softmax(
    scores: Float[Tensor, "*axes query key"], mask: Bool[Tensor, "..."] | None = None
) -> Float[Tensor, "*axes query key"]:
    """Softmax over the keys that the mask allows. A query that may see no key gets all zeros."""
    wide = at_least_float32(scores)
    if mask is not None:
        wide = torch.where(mask, wide, -torch.inf)
    largest = wide.amax(dim=-1, keepdim=True).detach()
    exponentials = torch.exp(wide - torch.where(torch.isfinite(largest), largest, 0.0))
    total = exponentials.sum(dim=-1, keepdim=True)
    return (exponentials / torch.where(total == 0.0, 1.0, total)).to(scores.dtype)


def join_groups(
    x: Float[Tensor, "*axes heads query size"], group: int
) -> Float[Tensor, "*axes kv_heads rows size"]:
    """The queries of ``group`` heads that follow each other, as rows of the one head of keys that they share.

    So no head of keys is repeated for them (Ainslie et al. 2023, section 2.2).
    """
    *axes, heads, query, size = x.shape
    return x.reshape(*axes, heads // group, group * query, size)


def split_groups(
    x: Float[Tensor, "*axes kv_heads rows size"], group: int
) -> Float[Tensor, "*axes heads query size"]:
    """The inverse of `join_groups`."""
    *axes, kv_heads, rows, size = x.shape
    return x.reshape(*axes, kv_heads * group, rows // group, size)


def scaled_dot_product_attention(
    query: Float[Tensor, "*axes query head_dim"],
    key: Float[Tensor, "*groups key head_dim"],
    value: Float[Tensor, "*groups key value_dim"],
    mask: Bool[Tensor, "..."] | None = None,
    rate: float = 0.0,
    rng: Key | None = None,
    tap: Tap = no_tap,
) -> Float[Tensor, "*axes query value_dim"]:
    """softmax(Q K^T / sqrt(head_dim)) V (Vaswani et al. 2017, section 3.2.1, eq. 1).

    ``mask`` is True where a query may look at a key, with as many axes as the scores; axes of size 1
    broadcast. ``rate`` is the dropout on the weights, active when ``rng`` is given. Of fewer heads of keys
    and values, each serves a group of queries' heads that follow each other (`join_groups`).
    """
    axes = "batch heads query key" if query.ndim == 4 else "batch query key"
    group = query.shape[1] // key.shape[1] if query.ndim == 4 else 1
    products = split_groups(torch.einsum("...qd,...kd->...qk", join_groups(query, group), key), group)
    scores = at_least_float32(products) / math.sqrt(query.shape[-1])
    scores = tap("scores", scores.to(query.dtype), axes)
    weights = tap("weights", masked_softmax(scores, mask), axes)
    weights = join_groups(dropout(weights, rate, rng), group)
    return split_groups(torch.einsum("...qk,...kd->...qd", weights, value), group)


def fused_attention(
    query: Float[Tensor, "batch heads query head_dim"],
    key: Float[Tensor, "batch kv_heads key head_dim"],
    value: Float[Tensor, "batch kv_heads key head_dim"],
    mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
) -> Float[Tensor, "batch heads query head_dim"]:
    """`scaled_dot_product_attention` by PyTorch's kernel, which never holds all weights at once.

    Heads of keys and values serve groups of queries' heads without being repeated. A query that may see no
    key gets zeros from the kernel too.
    """
    grouped = query.shape[1] != key.shape[1]
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, mask, enable_gqa=grouped)


def rotate(
    x: Float[Tensor, "batch heads position head_dim"], angles: Float[Tensor, "position half"]
) -> Float[Tensor, "batch heads position head_dim"]:
    """Turn numbers i and head_dim / 2 + i, as a point in the plane, by angle i (Su et al. 2021, eq. 34).

    The paper pairs neighbours, 2 i and 2 i + 1. Pairing halves is the same with head_dim in another order,
    and is how Llama's checkpoints are laid out.
    """
    half = x.shape[-1] // 2
    first, second = at_least_float32(x[..., :half]), at_least_float32(x[..., half:])
    wide = at_least_float32(angles)
    cosine, sine = (f(wide) for f in (torch.cos, torch.sin))
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    return torch.cat(turned, dim=-1).to(x.dtype)


class SingleHeadAttention(nn.Module):
    """One head: queries from x, keys and values from context, each embed -> head_dim."""

    def __init__(self, embed: int, head_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.query_projection = Linear(embed, head_dim)
        self.key_projection = Linear(embed, head_dim)
        self.value_projection = Linear(embed, head_dim)

    def forward(
        self,
        x: Float[Tensor, "batch query embed"],
        context: Float[Tensor, "batch key embed"],
        mask: Bool[Tensor, "#batch #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch query head_dim"]:
        query = tap("query", self.query_projection(x), "batch query head_dim")
        key = tap("key", self.key_projection(context), "batch key head_dim")
        value = tap("value", self.value_projection(context), "batch key head_dim")
        output = scaled_dot_product_attention(query, key, value, mask, self.dropout, rng, tap)
        return tap("output", output, "batch query head_dim")


class InProjection(nn.Module):
    """Project embed onto every head: weight ((heads head_dim) embed), bias ((heads head_dim))."""

    def __init__(
        self, embed: int, heads: int, head_dim: int, use_bias: bool = True, std: float | None = None
    ) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = head_dim
        self.weight = parameter(kernel_init(embed, heads * head_dim, std), (heads * head_dim, embed))
        self.bias = parameter(zeros, (heads * head_dim,)) if use_bias else None

    def forward(
        self, x: Float[Tensor, "batch position embed"]
    ) -> Float[Tensor, "batch heads position head_dim"]:
        y = linear(x, self.weight, self.bias)
        return y.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)


class OutProjection(nn.Module):
    """Project all heads back onto embed: weight (embed (heads head_dim)), bias (embed)."""

    def __init__(
        self, heads: int, head_dim: int, embed: int, use_bias: bool = True, std: float | None = None
    ) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = head_dim
        self.weight = parameter(kernel_init(heads * head_dim, embed, std), (embed, heads * head_dim))
        self.bias = parameter(zeros, (embed,)) if use_bias else None

    def forward(
        self, x: Float[Tensor, "batch heads position head_dim"]
    ) -> Float[Tensor, "batch position embed"]:
        return linear(x.transpose(1, 2).flatten(-2), self.weight, self.bias)


class MultiHeadAttention(nn.Module):
    """Heads side by side (Vaswani et al. 2017, section 3.2.2).

    Self-attention passes x as its own context; cross-attention passes another sequence. ``kv_heads`` keys
    and values each serve a group of heads, heads / kv_heads of them (Ainslie et al. 2023, section 2.2). With
    ``qk_norm`` each head's queries and keys are normalised; then ``angles`` turn them (`rotate`).
    """

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
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

    def forward(
        self,
        x: Float[Tensor, "batch query embed"],
        context: Float[Tensor, "batch key embed"],
        mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        angles: Float[Tensor, "query half"] | None = None,
    ) -> Float[Tensor, "batch query embed"]:
        return self.step(x, context, None, 0, mask, rng, tap, angles)[0]

    def step(
        self,
        x: Float[Tensor, "batch query embed"],
        context: Float[Tensor, "batch new embed"],
        cache: KeyValue | None,
        start: int | Int[Tensor, ""],
        mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        angles: Float[Tensor, "query half"] | None = None,
    ) -> tuple[Float[Tensor, "batch query embed"], KeyValue]:
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
        x: Float[Tensor, "batch query embed"],
        tap: Tap = no_tap,
        angles: Float[Tensor, "query half"] | None = None,
    ) -> Float[Tensor, "batch heads query head_dim"]:
        """What each position asks for, head by head."""
        query = self.query(x)
        if self.config.qk_norm:
            query = self.query_norm(query)
        if angles is not None:
            query = rotate(query, angles)
        return tap("query", query, "batch heads query head_dim")

    def keys_values(
        self,
        context: Float[Tensor, "batch key embed"],
        tap: Tap = no_tap,
        angles: Float[Tensor, "key half"] | None = None,
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
        query: Float[Tensor, "batch heads query head_dim"],
        memory: KeyValue,
        mask: Bool[Tensor, "#batch #heads #query key"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch query embed"]:
        """What the queries read in the memory, all heads projected onto embed."""
        sizes = {"batch": query.shape[0], "query": query.shape[2], "key": memory.key.shape[2]}
        check_shapes(sizes, mask=(mask, "#batch #heads #query key"))
        key, value = memory
        if self.config.fused and tap is no_tap and (rng is None or self.config.dropout == 0.0):
            read = fused_attention(query, key, value, mask)
        else:
            read = scaled_dot_product_attention(query, key, value, mask, self.config.dropout, rng, tap)
        read = tap("heads_output", read, "batch heads query head_dim")
        return tap("output", self.output(read), "batch query embed")
