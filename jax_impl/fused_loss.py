"""The output layer and its loss as one function, which never has the logits of all tokens together.

As in Liger Kernel (Hsu et al. 2024, section 3.2) and "Cut Your Losses" (Wijmans et al. 2024), the gradients
are computed in the forward pass, while a chunk's logits are there.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jax_impl.layers import add_bias, at_least_float32
from jax_impl.losses import count

LOGITS = 2**24  # that exist at a time: 64 MiB in float32


def chunk_length(vocab: int) -> int:
    """How many tokens have `LOGITS` logits at most: a power of two, at which matmuls are fastest."""
    return 1 << max(0, (LOGITS // vocab).bit_length() - 1)


def chunked_cross_entropy(
    hidden: Float[Array, "batch position embed"],
    table: Float[Array, "vocab embed"],
    labels: Int[Array, "batch position"],
    weights: Float[Array, "batch position"],
    chunk: int,
    bias: Float[Array, "vocab"] | None = None,
) -> Float[Array, ""]:
    """`weighted_cross_entropy` of the logits hidden x table^T + bias, ``chunk`` tokens at a time.

    A chunk's logits become its part of all gradients at once: none is kept, none is computed twice. Gradients
    are in reverse mode, and have none themselves.
    """
    dtype, tokens = at_least_float32(hidden).dtype, labels.size
    counts = weights != 0
    shares = jnp.where(counts, weights.astype(dtype) / count(weights).astype(dtype), 0.0)
    seen = jnp.where(counts[:, :, None], hidden, 0.0)
    flat = seen.reshape(tokens, -1), jnp.where(counts, labels, 0).reshape(-1), shares.reshape(-1)
    return _mean_loss(*flat, table, bias, min(chunk, tokens))


@partial(jax.custom_vjp, nondiff_argnums=(5,))
def _mean_loss(
    hidden: Float[Array, "token embed"],
    labels: Int[Array, "token"],
    shares: Float[Array, "token"],
    table: Float[Array, "vocab embed"],
    bias: Float[Array, "vocab"] | None,
    chunk: int,
) -> Float[Array, ""]:
    """The sum over tokens of share times -log p(label), where no gradient is asked for."""

    def add(total: Array, part: tuple[Array, ...]) -> tuple[Array, None]:
        vectors, its_labels, its_shares = part
        losses = _losses(_logits(vectors, table, bias), its_labels)[0]
        return total + (its_shares * losses).sum(), None

    parts = _chunks(chunk, hidden, labels, shares)
    return jax.lax.scan(add, jnp.zeros((), shares.dtype), parts)[0]


def _forward(
    hidden: Float[Array, "token embed"],
    labels: Int[Array, "token"],
    shares: Float[Array, "token"],
    table: Float[Array, "vocab embed"],
    bias: Float[Array, "vocab"] | None,
    chunk: int,
) -> tuple[Float[Array, ""], Any]:
    """The same with its gradients. Those of table and bias are summed in float32 or wider."""

    def add(sums: Any, part: tuple[Array, ...]) -> tuple[Any, tuple[Array, Array]]:
        total, d_table, d_bias = sums
        vectors, its_labels, its_shares = part
        logits = _logits(vectors, table, bias)
        losses, normalizers = _losses(logits, its_labels)
        right = jnp.arange(len(table), dtype=labels.dtype)[:, None] == its_labels[None]
        probabilities = jnp.exp(logits - normalizers[None])
        d_logits = its_shares[None] * jnp.where(right, probabilities - 1.0, probabilities)
        d_vectors = jnp.einsum("vt,ve->te", d_logits.astype(table.dtype), table)
        total += (its_shares * losses).sum()
        d_table += jnp.einsum("vt,te->ve", d_logits, at_least_float32(vectors))
        d_bias = None if bias is None else d_bias + d_logits.sum(axis=1)
        return (total, d_table, d_bias), (d_vectors, losses)

    nothing: Any = jax.tree.map(lambda array: jnp.zeros(array.shape, shares.dtype), (shares[0], table, bias))
    sums, per_token = jax.lax.scan(add, nothing, _chunks(chunk, hidden, labels, shares))
    d_hidden, d_shares = (each.reshape(-1, *each.shape[2:])[: len(labels)] for each in per_token)
    d_table, d_bias = jax.tree.map(lambda wide: wide.astype(table.dtype), sums[1:])
    return sums[0], (d_hidden, None, d_shares, d_table, d_bias)


def _backward(chunk: int, gradients: Any, upstream: Float[Array, ""]) -> Any:
    """The gradients, times that of what was made of the loss."""
    return jax.tree.map(lambda one: (upstream * at_least_float32(one)).astype(one.dtype), gradients)


_mean_loss.defvjp(_forward, _backward)


def _logits(
    vectors: Float[Array, "token embed"],
    table: Float[Array, "vocab embed"],
    bias: Float[Array, "vocab"] | None,
) -> Float[Array, "vocab token"]:
    """The logits of a chunk, widened. Tokens come last: so all three matmuls are as fast as they can be."""
    logits = jnp.einsum("ve,te->vt", table, vectors)
    return at_least_float32(add_bias(logits, None if bias is None else bias[:, None]))


def _losses(
    logits: Float[Array, "vocab token"], labels: Int[Array, "token"]
) -> tuple[Float[Array, "token"], Float[Array, "token"]]:
    """-log p(label) of each token, and the logarithm that turns its logits into log p."""
    normalizers = jax.nn.logsumexp(logits, axis=0)
    return normalizers - jnp.take_along_axis(logits, labels[None], axis=0)[0], normalizers


def _chunks(chunk: int, *arrays: Array) -> tuple[Array, ...]:
    """Arrays over tokens, as chunks; tokens that are not there have share zero."""
    missing = -len(arrays[0]) % chunk
    padded = (jnp.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1)) for array in arrays)
    return tuple(array.reshape(-1, chunk, *array.shape[1:]) for array in padded)
