"""Branches of one prompt, read in Flax."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jax_impl.cache import Cache
from jax_impl.gpt import GPT
from train.loops.jax_loop import params_tree
from train.runs.checkpoint import Arrays


class Branches:
    """See `study.play.multiverse.Branches`; no row may have more than ``capacity`` tokens."""

    def __init__(self, model: GPT, params: Arrays, capacity: int) -> None:
        self._model, self._variables, self._capacity = model, {"params": params_tree(params)}, capacity

    def read(self, prompt: Int[np.ndarray, "position"]) -> Float[np.ndarray, "batch vocab"]:
        model = self._model.bind(self._variables)
        cache = model.empty_cache(1, self._capacity, model.table().dtype)
        return self._step(jnp.asarray(prompt)[None], cache)

    def extend(
        self, parents: Int[np.ndarray, "batch"], tokens: Int[np.ndarray, "batch"]
    ) -> Float[np.ndarray, "batch vocab"]:
        rows = jnp.asarray(parents)
        copies = jax.tree.map(lambda array: array[rows], self._cache.layers)
        return self._step(jnp.asarray(tokens)[:, None], Cache(self._cache.length, copies))

    def _step(self, ids: jax.Array, cache: Cache) -> np.ndarray:
        logits, self._cache = _step(self._model, self._variables, ids, cache)
        return np.asarray(logits)


@partial(jax.jit, static_argnums=0)
def _step(model: GPT, variables: Any, ids: jax.Array, cache: Cache) -> tuple[jax.Array, Cache]:
    logits, extended = model.bind(variables).step(ids, cache)
    return logits[:, -1], extended
