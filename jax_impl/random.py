"""Random keys as arguments. A model given no key (``rng=None``) is deterministic."""

import jax
from jaxtyping import Array, Key


def fold_in(rng: Key[Array, ""] | None, data: int) -> Key[Array, ""] | None:
    """The key of part number ``data`` of whatever ``rng`` is for; None stays None."""
    return None if rng is None else jax.random.fold_in(rng, data)
