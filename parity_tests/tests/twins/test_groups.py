"""Groups of queries' heads share a head of keys, of which no copy is made, in either framework."""

import re
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import jax_impl.attention
import torch_impl.attention

BATCH, HEADS, KV_HEADS, KEYS, WIDTH = 2, 6, 2, 64, 8
REPEATED = BATCH * HEADS * KEYS * WIDTH  # numbers; every other array of a decoding step is smaller
RNG = np.random.default_rng(0)
QUERY = RNG.standard_normal((BATCH, HEADS, 1, WIDTH), np.float32)
KEY, VALUE = RNG.standard_normal((2, BATCH, KV_HEADS, KEYS, WIDTH), np.float32)
MASK = np.arange(KEYS) < KEYS - 3


def in_jax(query, key, value):
    return jax_impl.attention.scaled_dot_product_attention(query, key, value, jnp.asarray(MASK))


def repeated_in_jax(query, key, value):
    return in_jax(query, *(jnp.repeat(each, HEADS // KV_HEADS, axis=1) for each in (key, value)))


def in_torch(query, key, value):
    return torch_impl.attention.scaled_dot_product_attention(query, key, value, torch.tensor(MASK))


def repeated_in_torch(query, key, value):
    return in_torch(query, *(each.repeat_interleave(HEADS // KV_HEADS, dim=1) for each in (key, value)))


def largest_in_jax(attend) -> int:
    """How many numbers the largest array of the program has, as traced and as compiled."""
    traced = jax.jit(attend).trace(QUERY, KEY, VALUE)
    sizes = [one.aval.size for equation in traced.jaxpr.eqns for one in equation.outvars]
    text = traced.lower().compile().as_text()
    sizes += [prod(map(int, shape.split(","))) for shape in re.findall(r"f32\[([\d,]+)\]", text)]
    return max(sizes)


def largest_in_torch(attend) -> int:
    """How many numbers the largest memory has that an operation gives."""
    sizes = []

    class Sizes(TorchDispatchMode):
        def __torch_dispatch__(self, operation, types, arguments=(), options=None):
            result = operation(*arguments, **(options or {}))
            made = [one for one in tree_leaves(result) if isinstance(one, torch.Tensor)]
            sizes.extend(one.untyped_storage().nbytes() // one.itemsize for one in made)
            return result

    with Sizes():
        attend(*map(torch.tensor, (QUERY, KEY, VALUE)))
    return max(sizes)


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize(
    "largest, attend, repeated",
    [(largest_in_jax, in_jax, repeated_in_jax), (largest_in_torch, in_torch, repeated_in_torch)],
    ids=["jax", "torch"],
)
def test_no_head_of_keys_is_repeated(largest, attend, repeated):
    assert largest(attend) == KEY.size < REPEATED <= largest(repeated)


def test_each_head_of_keys_serves_the_queries_heads_that_follow_each_other():
    given = [torch.tensor(array) for array in (QUERY, KEY, VALUE)]
    expected = repeated_in_torch(*given).numpy()
    np.testing.assert_allclose(in_torch(*given).numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(in_jax(*map(jnp.asarray, (QUERY, KEY, VALUE))), expected, atol=1e-6)


@pytest.mark.parametrize(
    "attend, kind", [(in_jax, jnp.asarray), (in_torch, torch.tensor)], ids=["jax", "torch"]
)
def test_heads_that_make_no_groups_are_an_error(attend, kind):
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        attend(*map(kind, (QUERY[:, :5], KEY, VALUE)))
