"""Attention masks: True where a query may look at a key. They combine with ``&``."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int


def causal_mask(
    query: int, key: int, start: int | Int[Array, ""] | None = None
) -> Bool[Array, "1 1 query key"]:
    """Query i sees keys 0..start + i (Vaswani et al. 2017, section 3.2.3).

    ``start`` is the position of the first query; None: the last query sees all keys.
    """
    return (_ahead(query, key, start) <= 0)[None, None]


def banded_mask(
    query: int, key: int, window: int, start: int | Int[Array, ""] | None = None
) -> Bool[Array, "1 1 query key"]:
    """`causal_mask`, and no key further back than the last ``window``, itself included.

    The local layers of Child et al. 2019, section 4.2, as GPT-3 has them (Brown et al. 2020, section 2.1).
    """
    ahead = _ahead(query, key, start)
    return ((ahead <= 0) & (ahead > -window))[None, None]


def padding_mask(mask: Bool[Array, "batch key"]) -> Bool[Array, "batch 1 1 key"]:
    """Every query sees the real tokens and no padding."""
    return mask[:, None, None, :]


def same_text_mask(text_ids: Int[Array, "row position"]) -> Bool[Array, "row 1 position position"]:
    """A query sees the tokens of its own text, where texts share rows."""
    return (text_ids[:, :, None] == text_ids[:, None, :])[:, None]


def _ahead(query: int, key: int, start: int | Int[Array, ""] | None) -> Int[Array, "query key"]:
    """How many positions each key lies ahead of each query."""
    numbers = jnp.arange(query, dtype=jnp.int32) + (key - query if start is None else start)
    return jnp.arange(key, dtype=jnp.int32)[None, :] - numbers[:, None]
