"""Attention: one pure function, a single head, and many heads."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from torch_impl.initializers import kernel_init, parameter, zeros
from torch_impl.layers import Linear, at_least_float32, dropout, linear
from torch_impl.random import Key
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


def scaled_dot_product_attention(
    query: Float[Tensor, "*axes query head_dim"],
    key: Float[Tensor, "*axes key head_dim"],
    value: Float[Tensor, "*axes key value_dim"],
    mask: Bool[Tensor, "..."] | None = None,
    rate: float = 0.0,
    rng: Key | None = None,
    tap: Tap = no_tap,
) -> Float[Tensor, "*axes query value_dim"]:
    """softmax(Q K^T / sqrt(head_dim)) V (Vaswani et al. 2017, section 3.2.1, eq. 1).

    ``mask`` is True where a query may look at a key, with as many axes as the scores; axes of size 1
    broadcast. ``rate`` is the dropout on the weights, active when ``rng`` is given.
    """
    axes = "batch heads query key" if query.ndim == 4 else "batch query key"
    scores = at_least_float32(torch.einsum("...qd,...kd->...qk", query, key)) / math.sqrt(query.shape[-1])
    scores = tap("scores", scores.to(query.dtype), axes)
    weights = tap("weights", masked_softmax(scores, mask), axes)
    return torch.einsum("...qk,...kd->...qd", dropout(weights, rate, rng), value)


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
        self, embed: int, heads: int, head_dim: int, biased: bool = True, std: float | None = None
    ) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = head_dim
        self.weight = parameter(kernel_init(embed, heads * head_dim, std), (heads * head_dim, embed))
        self.bias = parameter(zeros, (heads * head_dim,)) if biased else None

    def forward(
        self, x: Float[Tensor, "batch position embed"]
    ) -> Float[Tensor, "batch heads position head_dim"]:
        y = linear(x, self.weight, self.bias)
        return y.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)


class OutProjection(nn.Module):
    """Project all heads back onto embed: weight (embed (heads head_dim)), bias (embed)."""

    def __init__(
        self, heads: int, head_dim: int, embed: int, biased: bool = True, std: float | None = None
    ) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = head_dim
        self.weight = parameter(kernel_init(heads * head_dim, embed, std), (embed, heads * head_dim))
        self.bias = parameter(zeros, (embed,)) if biased else None

    def forward(
        self, x: Float[Tensor, "batch heads position head_dim"]
    ) -> Float[Tensor, "batch position embed"]:
        return linear(x.transpose(1, 2).flatten(-2), self.weight, self.bias)


class MultiHeadAttention(nn.Module):
    """Heads side by side, each embed / heads wide (Vaswani et al. 2017, section 3.2.2).

    Self-attention passes x as its own context; cross-attention passes another sequence. ``kv_heads`` keys
    and values each serve a group of heads, heads / kv_heads of them (Ainslie et al. 2023, section 2.2).
    ``angles`` turn queries and keys (`rotate`). ``mask`` has a column for each key that the tap "key" hands
    on, which may be more than there are in context: a cache puts the earlier ones there.
    """

    def __init__(
        self,
        embed: int,
        heads: int,
        dropout: float = 0.0,
        kv_heads: int | None = None,
        biased: bool = True,
        std: float | None = None,
        residual_std: float | None = None,
    ) -> None:
        super().__init__()
        if embed % heads:
            raise ValueError(
                f"heads={heads} does not divide embed={embed}: each head needs the same "
                f"width; choose embed as a multiple of heads"
            )
        head_dim = embed // heads
        kv_heads = heads if kv_heads is None else kv_heads
        if heads % kv_heads:
            raise ValueError(f"kv_heads={kv_heads} does not divide heads={heads} into equal groups")
        self.dropout = dropout
        self.group = heads // kv_heads
        self.query = InProjection(embed, heads, head_dim, biased, std)
        self.key = InProjection(embed, kv_heads, head_dim, biased, std)
        self.value = InProjection(embed, kv_heads, head_dim, biased, std)
        self.output = OutProjection(heads, head_dim, embed, biased, residual_std)

    def forward(
        self,
        x: Float[Tensor, "batch query embed"],
        context: Float[Tensor, "batch key embed"],
        mask: Bool[Tensor, "#batch #heads #query columns"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        angles: Float[Tensor, "query half"] | None = None,
    ) -> Float[Tensor, "batch query embed"]:
        query, key = self.query(x), self.key(context)
        if angles is not None:
            query, key = rotate(query, angles), rotate(key, angles)
        query = tap("query", query, "batch heads query head_dim")
        key = tap("key", key, "batch heads key head_dim")
        value = tap("value", self.value(context), "batch heads key head_dim")
        key, value = (each.repeat_interleave(self.group, dim=1) for each in (key, value))
        heads_output = scaled_dot_product_attention(query, key, value, mask, self.dropout, rng, tap)
        heads_output = tap("heads_output", heads_output, "batch heads query head_dim")
        return tap("output", self.output(heads_output), "batch query embed")
