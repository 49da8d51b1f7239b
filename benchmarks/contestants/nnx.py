"""The parts of `flax.nnx` put together by its guides, with optax's AdamW.

Steps are `jax.jit` of the split model with its memory handed on, which the performance guide has as the way
without Python's overhead (flax.readthedocs.io, nnx performance considerations).
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchmarks.batches import prompts_of
from benchmarks.contestants import Contestant
from benchmarks.contestants.nnx_model import Transformer
from benchmarks.workloads import NEW, Workload
from data import Batch


def build(workload: Workload, batches: list[Batch]) -> Contestant:
    model = Transformer(workload, nnx.Rngs(0))
    count = sum(array.size for array in jax.tree.leaves(nnx.state(model, nnx.Param)))
    if workload.kind == "generate":
        return Contestant(count, greedy(model, workload, batches), jax.block_until_ready, np.asarray)
    if workload.trains:
        return Contestant(count, Steps(model, workload, batches), jax.block_until_ready, float)
    graph, state = nnx.split(model)
    forward = jax.jit(lambda state, ids, mask: nnx.merge(graph, state).class_logits(ids, mask))

    def step(number: int) -> jax.Array:
        batch: Any = batches[number % len(batches)]
        return forward(state, batch.ids, batch.mask)

    return Contestant(count, step, jax.block_until_ready, np.asarray)


class Steps:
    """Training: the loss of each step, which is there when the step's update is."""

    def __init__(self, model: Transformer, workload: Workload, batches: list[Batch]) -> None:
        optimizer = nnx.Optimizer(model, optax.adamw(1e-4, weight_decay=0.1), wrt=nnx.Param)
        graph, self.state = nnx.split((model, optimizer))
        self.batches = batches

        @partial(jax.jit, donate_argnums=0)
        def update(state: Any, batch: Any) -> Any:
            model, optimizer = nnx.merge(graph, state)
            loss, gradient = nnx.value_and_grad(lambda model: model.loss(batch))(model)
            optimizer.update(model, gradient)
            return nnx.state((model, optimizer)), loss

        self.update = update

    def __call__(self, number: int) -> jax.Array:
        self.state, loss = self.update(self.state, self.batches[number % len(self.batches)])
        return loss


def greedy(model: Transformer, workload: Workload, batches: list[Batch]) -> Any:
    """Token by token with the cache of nnx's attention, which takes one at a time; one program."""
    prompts = jnp.asarray(prompts_of(workload, batches))
    prompt = prompts.shape[1]
    model.init_caches(workload.batch, workload.length)
    split: Any = nnx.split(model, nnx.Param, ...)
    graph, params, caches = split

    @jax.jit
    def generate(params: Any, caches: Any, prompts: jax.Array) -> jax.Array:
        ids = jnp.pad(prompts, ((0, 0), (0, NEW)))

        def write(position: Any, carry: Any) -> Any:
            ids, caches = carry
            model: Any = nnx.merge(graph, params, caches)
            logits = model.next_logits(jax.lax.dynamic_slice_in_dim(ids, position, 1, axis=1), position)
            token = jnp.argmax(logits, axis=-1).astype(ids.dtype)
            told = jax.lax.dynamic_index_in_dim(ids, position + 1, axis=1, keepdims=False)
            ids = ids.at[:, position + 1].set(jnp.where(position + 1 < prompt, told, token))
            return ids, nnx.state(model, nnx.Not(nnx.Param))

        return jax.lax.fori_loop(0, ids.shape[1] - 1, write, (ids, caches))[0]

    return lambda number: generate(params, caches, prompts)
