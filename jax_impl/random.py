"""Random keys as arguments. A model given no key (``rng=None``) is deterministic."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key


def fold_in(rng: Key[Array, ""] | None, data: int | Int[Array, ""]) -> Key[Array, ""] | None:
    """The key of part number ``data`` of whatever ``rng`` is for; None stays None."""
    return None if rng is None else jax.random.fold_in(rng, data)


def categorical(rng: Key[Array, ""], logits: Float[Array, "*axes classes"]) -> Int[Array, "*axes"]:
    """A draw from softmax(logits): the largest logit after Gumbel noise (Maddison et al. 2014, section 2).

    In float32 it is `jax.random.categorical`. In float64 the noise comes from the same float32 numbers, so
    that the draws do not depend on the dtype; narrower logits must be widened before.
    """
    tiny = jnp.finfo(jnp.float32).tiny
    drawn = jax.random.uniform(rng, logits.shape, jnp.float32, tiny).astype(logits.dtype)
    return jnp.argmax(logits - jnp.log(-jnp.log(drawn)), axis=-1)
