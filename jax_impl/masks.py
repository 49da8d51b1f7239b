"""Attention masks: True where a query may look at a key. They combine with ``&``."""

import jax.numpy as jnp
from jaxtyping import Array, Bool


def causal_mask(query: int, key: int) -> Bool[Array, "1 1 query key"]:
    """Query i sees keys 0..i (Vaswani et al. 2017, section 3.2.3); the last query sees all keys."""
    last_visible = jnp.arange(query)[:, None] + (key - query)
    return (jnp.arange(key)[None, :] <= last_visible)[None, None]


def padding_mask(mask: Bool[Array, "batch key"]) -> Bool[Array, "batch 1 1 key"]:
    """Every query sees the real tokens and no padding."""
    return mask[:, None, None, :]
