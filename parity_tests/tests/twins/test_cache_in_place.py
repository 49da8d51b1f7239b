"""JAX's loop writes into the cache where it lies: its program copies no keys and values."""

import re
from math import prod

import jax
import jax.numpy as jnp
import pytest

import jax_impl.cache
import jax_impl.generate
from jax_impl.config import GPTConfig
from jax_impl.gpt import GPT

PROMPT, NEW = 4, 60
LLAMA = {"kv_heads": 2, "position_encoding": "rotary", "norm": "rms", "use_bias": False}
CPU = pytest.mark.skipif(jax.default_backend() != "cpu", reason="it reads the program of XLA's CPU")


def copies(batch: int, **more) -> int:
    """Of arrays of the cache's size, of which nothing else is, in the compiled program."""
    config = GPTConfig(vocab=31, max_positions=64, embed=24, heads=4, head_dim=8, mlp=8, layers=2, **more)
    model, ids = GPT(config), jnp.zeros((batch, PROMPT), jnp.int32)
    variables = jax.eval_shape(model.init, jax.random.key(0), ids)
    lengths = jnp.full(batch, PROMPT, jnp.int32)
    traced = jax_impl.generate._generate.lower(
        model, variables, ids, lengths, PROMPT, NEW, None, 1.0, None, None, ()
    )
    size = batch * config.key_heads * (PROMPT + NEW - 1) * config.width
    found = re.findall(r"= f32\[([\d,]+)\]\S* copy\(", traced.compile().as_text())
    return sum(prod(map(int, shape.split(","))) == size for shape in found)


@CPU
@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("more", [{}, LLAMA, {"kv_heads": 1}], ids=["gpt", "llama", "one head of keys"])
def test_no_keys_and_values_are_copied(batch, more):
    assert copies(batch, **more) == 0


@CPU
@pytest.mark.usefixtures("optimised")
def test_with_an_axis_of_one_row_they_would_be(monkeypatch):
    for module in (jax_impl.cache, jax_impl.generate):
        monkeypatch.setattr(module, "_squeezed", lambda x: x)
    jax_impl.generate._generate.clear_cache()
    try:
        assert copies(1) > 0
    finally:
        jax_impl.generate._generate.clear_cache()
