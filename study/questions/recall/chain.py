"""How many matrix products of a program wait for each other: what no number of processors can shorten."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn


def chain(model: nn.Module, length: int) -> int:
    """The longest chain of matrix products from the ids of one row to its logits."""
    ids = jnp.zeros((1, length), jnp.int32)
    params = jax.eval_shape(model.init, jax.random.key(0), ids)
    return _longest(jax.make_jaxpr(model.apply)(params, ids).jaxpr)


def _longest(jaxpr: Any) -> int:
    """Of a program; one that is repeated counts as often as it is."""
    depths: dict[Any, int] = {}
    for equation in jaxpr.eqns:
        known = [depths.get(v, 0) for v in equation.invars if not hasattr(v, "val")]
        inner = [
            (getattr(value, "jaxpr", value), equation.params.get("length", 1))
            for value in equation.params.values()
            if hasattr(getattr(value, "jaxpr", value), "eqns")
        ]
        own = sum(_longest(one) * times for one, times in inner) + (equation.primitive.name == "dot_general")
        for out in equation.outvars:
            depths[out] = max(known, default=0) + own
    return max(depths.values(), default=0)
