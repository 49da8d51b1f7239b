"""Attention weights off the taps of a model in Flax."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from train.loops.jax_loop import params_tree
from train.runs.checkpoint import Arrays


def weights(model: Any, params: Arrays, inputs: Mapping[str, np.ndarray]) -> Arrays:
    """By tap, in the order of execution: each (batch heads query key)."""
    order: list[str] = []

    def forward(tree: Any, arrays: Any) -> Any:
        found: dict[str, Any] = {}

        def tap(name: str, value: Any, axes: str) -> Any:
            if name.endswith("/weights"):
                found[name] = value
            return value

        model.apply({"params": tree}, **arrays, tap=tap)
        order[:] = found
        return found

    found = jax.jit(forward)(
        params_tree(params), {name: jnp.asarray(array) for name, array in inputs.items()}
    )
    return {name: np.asarray(found[name], np.float64) for name in order}
