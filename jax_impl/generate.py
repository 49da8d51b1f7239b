"""Text from a decoder, token by token, with the cache."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.cache import Cache, _squeezed
from jax_impl.gpt import GPT
from jax_impl.layers import at_least_float32
from jax_impl.random import categorical, fold_in

State = tuple[Int[Array, ""], Int[Array, "batch total"], Int[Array, "batch"], Cache]


def keep_likeliest(
    logits: Float[Array, "batch vocab"], top_k: int | None = None, top_p: float | None = None
) -> Float[Array, "batch vocab"]:
    """Minus infinity instead of all but the ``top_k`` largest logits, and then of all but the nucleus.

    The nucleus is the smallest set of the likeliest tokens whose probability reaches ``top_p`` (Holtzman et
    al. 2020, section 3.1), one token at least. Logits equal to the smallest one kept are kept too.
    """
    if top_k is not None:
        largest, _ = jax.lax.top_k(logits, min(top_k, logits.shape[-1]))
        logits = jnp.where(logits < largest[:, -1:], -jnp.inf, logits)
    if top_p is not None:
        descending = jnp.sort(logits, axis=-1, descending=True)
        probabilities = jax.nn.softmax(descending, axis=-1)
        before = jnp.cumsum(probabilities, axis=-1) - probabilities  # of all likelier tokens together
        smallest = jnp.where(before < top_p, descending, jnp.inf).min(axis=-1, keepdims=True)
        logits = jnp.where(logits < smallest, -jnp.inf, logits)
    return logits


def next_token(
    logits: Float[Array, "batch vocab"],
    rng: Key[Array, ""] | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Int[Array, "batch"]:
    """A draw from softmax(logits / temperature), of which `keep_likeliest` leaves a part.

    Without a key, or at temperature 0, it is the likeliest token. A row's draw depends on its number in the
    batch, and not on how many rows follow. ValueError: temperature < 0, top_k < 1, top_p outside (0, 1].
    """
    if not temperature >= 0.0:
        raise ValueError(f"temperature={temperature}: choose 0 (the likeliest token) or more")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k}: keep 1 token or more, or None for all")
    if top_p is not None and not 0.0 < top_p <= 1.0:
        raise ValueError(f"top_p={top_p}: choose a probability above 0 and up to 1, or None")
    wide = at_least_float32(logits)
    if rng is None or temperature == 0.0:
        return jnp.argmax(wide, axis=-1)
    return categorical(rng, keep_likeliest(wide / temperature, top_k, top_p))


def generate(
    model: GPT,
    prompts: Int[Array, "batch position"],
    lengths: Sequence[int],
    new: int,
    rng: Key[Array, ""] | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    ends: tuple[int, ...] = (),
) -> tuple[Int[Array, "batch total"], Int[Array, "batch"]]:
    """Continue each prompt by ``new`` tokens (`next_token`), or until it has written one of ``ends``.

    ``model`` is bound to its parameters: ``model.bind(variables)``. Row r's prompt is its first
    ``lengths[r]`` tokens; what stands behind does not matter. Returns prompts with their continuations,
    zeros behind, and how many tokens of each row count, the end included. The key of position t is
    ``fold_in(rng, t)``, whatever the length of the prompt.

    All rows are at the same position at all times. What even the shortest prompt has is read in one step;
    from there on, a row whose prompt is longer takes its own next token, and the others the drawn one.

    ValueError: an empty or too long prompt, no new token, or more tokens than the model has positions.
    """
    _check(model, prompts, lengths, new)
    module, variables = model.unbind()
    return _generate(
        module, variables, prompts, jnp.asarray(lengths, jnp.int32), min(lengths), new,
        rng, temperature, top_k, top_p, ends,
    )  # fmt: skip


@partial(jax.jit, static_argnames=("module", "shared", "new", "temperature", "top_k", "top_p", "ends"))
def _generate(
    module: GPT,
    variables: Any,
    prompts: Int[Array, "batch position"],
    lengths: Int[Array, "batch"],
    shared: int,
    new: int,
    rng: Key[Array, ""] | None,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    ends: tuple[int, ...],
) -> tuple[Int[Array, "batch total"], Int[Array, "batch"]]:
    """`generate` as one program, the same for all lengths of which ``shared`` is the smallest."""
    batch, longest = prompts.shape
    total = longest + new
    model = module.bind(variables)
    cache = empty = model.empty_cache(batch, total - 1, model.table().dtype)
    if shared > 1:
        _, cache = model.step(prompts[:, : shared - 1], cache)

    def unfinished(state: State) -> Bool[Array, ""]:
        position, _, stops, _ = state
        return (position < stops).any()

    def write(state: State) -> State:
        position, ids, stops, carried = state
        cache = jax.tree.map(lambda x, like: x.reshape(like.shape), carried, empty)
        last = jax.lax.dynamic_slice_in_dim(ids, position - 1, 1, axis=1)
        logits, cache = module.bind(variables).step(last, cache)
        drawn = next_token(logits[:, 0], fold_in(rng, position), temperature, top_k, top_p)
        token = jnp.where(position < lengths, ids[:, position], drawn.astype(ids.dtype))
        if ends:
            ended = (position >= lengths) & jnp.isin(token, jnp.asarray(ends, token.dtype))
            stops = jnp.where(ended, jnp.minimum(stops, position + 1), stops)
        return position + 1, ids.at[:, position].set(token), stops, jax.tree.map(_squeezed, cache)

    ids = jnp.pad(prompts, ((0, 0), (0, new)))
    state = (jnp.asarray(shared, jnp.int32), ids, lengths + new, jax.tree.map(_squeezed, cache))
    _, ids, stops, _ = jax.lax.while_loop(unfinished, write, state)
    written = jnp.arange(total, dtype=jnp.int32)[None, :] < stops[:, None]
    return jnp.where(written, ids, 0), stops


def _check(model: GPT, prompts: Int[Array, "batch position"], lengths: Sequence[int], new: int) -> None:
    """The errors of `generate`, before anything is computed."""
    batch, longest = prompts.shape
    if len(lengths) != batch or min(lengths) < 1 or max(lengths) > longest:
        raise ValueError(f"lengths={lengths} of {batch} prompts: each has 1 to {longest} tokens")
    if new < 1:
        raise ValueError(f"new={new}: ask for 1 token or more")
    if longest + new > model.config.max_positions + 1:  # the last one is not read
        raise ValueError(
            f"prompts of {longest} tokens and new={new} need more than the model's "
            f"max_positions={model.config.max_positions}: shorten the prompts, or ask for fewer new tokens"
        )
