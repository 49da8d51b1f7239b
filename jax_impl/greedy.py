"""The likeliest target of an encoder-decoder, token by token, with the cache."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from jax_impl.cache import DecoderCache
from jax_impl.seq2seq import EncoderDecoder

State = tuple[Int[Array, "batch 1"], DecoderCache]


def greedy(
    model: EncoderDecoder,
    source: Int[Array, "batch key"],
    source_mask: Bool[Array, "batch key"],
    begin: int,
    length: int,
) -> Int[Array, "batch position"]:
    """``length`` tokens a row, each the likeliest after ``begin`` and those before it.

    ``model`` is bound to its parameters: ``model.bind(variables)``. The source is encoded once, and a step
    reads one token. What follows a row's first end token means nothing.

    ValueError: more tokens than the model has positions.
    """
    module, variables = model.unbind()
    return _greedy(module, variables, source, source_mask, begin, length)


@partial(jax.jit, static_argnames=("module", "begin", "length"))
def _greedy(
    module: EncoderDecoder,
    variables: Any,
    source: Int[Array, "batch key"],
    source_mask: Bool[Array, "batch key"],
    begin: int,
    length: int,
) -> Int[Array, "batch position"]:
    """`greedy` as one program."""
    model = module.bind(variables)
    context = model.encode(source, source_mask)
    cache = model.empty_cache(context, length, context.dtype)

    def write(state: State, _: None) -> tuple[State, Int[Array, "batch"]]:
        last, cache = state
        logits, cache = module.bind(variables).step(last, cache, source_mask)
        last = logits.argmax(axis=-1).astype(last.dtype)
        return (last, cache), last[:, 0]

    first = jnp.full((source.shape[0], 1), begin, source.dtype)
    _, tokens = jax.lax.scan(write, (first, cache), None, length)
    return tokens.T
