"""One vector of the many of a text."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def masked_mean(
    x: Float[Array, "batch position embed"], mask: Bool[Array, "batch position"]
) -> Float[Array, "batch embed"]:
    """Mean over the positions where the mask is True; zeros for a row that has none."""
    total = jnp.where(mask[:, :, None], x, 0.0).sum(axis=1)
    count = jnp.maximum(mask.sum(axis=1, dtype=jnp.int32), 1)
    return total / count[:, None].astype(x.dtype)


def packed_sum(
    x: Float[Array, "row position embed"], text_ids: Int[Array, "row position"], texts: int
) -> Float[Array, "batch embed"]:
    """The sum of each text's vectors, where ``texts`` of them share rows: a matmul with ones and zeros."""
    flat, text_ids = x.reshape(-1, x.shape[-1]), text_ids.reshape(-1)
    numbers = jnp.arange(texts, dtype=text_ids.dtype)
    return (numbers[:, None] == text_ids[None, :]).astype(x.dtype) @ flat


def packed_mean(
    x: Float[Array, "row position embed"],
    text_ids: Int[Array, "row position"],
    lengths: Int[Array, "batch"],
) -> Float[Array, "batch embed"]:
    """`masked_mean` of each text, where texts share rows."""
    total = packed_sum(x, text_ids, lengths.shape[0])
    return total / jnp.maximum(lengths, 1)[:, None].astype(x.dtype)
