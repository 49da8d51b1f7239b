"""What share of a training step the output layer with its loss is: counted, and measured in JAX."""

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from data import NextTokenBatch
from jax_impl.config import GPTConfig
from jax_impl.gpt import GPT
from jax_impl.losses import cross_entropy
from jax_impl.objectives import next_token_loss
from study.shapes.flops import stretches

BATCH, LENGTH = 16, 128
TOKENS = BATCH * LENGTH
IDS = jax.ShapeDtypeStruct((BATCH, LENGTH), np.int32)


def gpt(width: int, layers: int, vocab: int) -> GPTConfig:
    """GPT-2's shape: heads of 64, a feed-forward of four widths, one table at both ends. No dropout."""
    heads = max(1, width // 64)
    return GPTConfig(
        vocab=vocab, max_positions=LENGTH, embed=width, heads=heads, mlp=4 * width, layers=layers
    )


@cache
def blocks_and_rest(width: int) -> tuple[int, int]:
    """Operations of a forward of one block, and of what is there without any, the output layer left out."""
    one, two = (_operations(GPT(gpt(width, layers, 1)), "hidden") for layers in (1, 2))
    return two - one, 2 * one - two


@cache
def output_layer(width: int, vocab: int) -> int:
    """Operations of a forward of the output layer and its loss."""
    hidden = jax.ShapeDtypeStruct((TOKENS, width), np.float32)
    table = jax.ShapeDtypeStruct((vocab, width), np.float32)
    labels = jax.ShapeDtypeStruct((TOKENS,), np.int32)
    return _count(lambda *given: cross_entropy(given[0] @ given[1].T, given[2]), hidden, table, labels)


def share(width: int, layers: int | float, vocab: int) -> float:
    """The output layer's part of all operations of a forward; backward each matmul is two, so of a step."""
    block, rest = blocks_and_rest(width)
    output = output_layer(width, vocab)
    return output / (output + rest + layers * block)


def _operations(model: GPT, method: str) -> int:
    variables = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 1), jnp.int32))
    return _count(partial(model.apply, method=method), variables, IDS)


def _count(function: Callable[..., Any], *arguments: Any) -> int:
    return sum(one.total for one in stretches(jax.make_jaxpr(function)(*arguments).jaxpr))


def timed(width: int, layers: int, vocab: int, rounds: int) -> dict[str, float]:
    """Processor seconds of a gradient with and without the output layer, in turns, the least of each."""
    model = GPT(gpt(width, layers, vocab))
    params = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, 1), jnp.int32))["params"]
    ids = jax.random.randint(jax.random.key(1), (BATCH, LENGTH), 0, vocab)
    batch: Any = NextTokenBatch(*(np.asarray(ids),) * 2)

    def whole(params: Any) -> Any:
        return next_token_loss(model, params, batch, None, 0.0)[0]

    def without(params: Any) -> Any:
        hidden: Any = model.apply({"params": params}, ids, method="hidden")
        return jnp.square(hidden).mean()

    programs = [jax.jit(jax.grad(loss)).lower(params).compile() for loss in (whole, without)]
    seconds = np.array([[_seconds(program, params) for program in programs] for _ in range(rounds + 1)])
    both, model_alone = seconds[1:].min(axis=0)
    return {"step": both, "without": model_alone, "share": 1.0 - model_alone / both}


def _seconds(program: Any, params: Any) -> float:
    begun = time.process_time()
    jax.block_until_ready(program(params))
    return time.process_time() - begun
