"""PyTorch's twin of JAX's random numbers, to the bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jax_impl.layers
import jax_impl.random
import torch_impl.layers
from torch_impl import random

SEEDS = [0, 1, 42, 2**31 - 1, 2**31, 2**32 - 1]
SHAPES = [(), (0,), (1,), (7,), (3, 0, 2), (2, 3, 5), (random.CHUNK + 3,), (2, random.CHUNK)]


def words(key):
    return tuple(int(word) for word in jax.random.key_data(key))


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_and_folded_keys_are_the_same_words(seed):
    theirs, ours = jax.random.key(seed), random.key(seed)
    assert words(theirs) == ours
    for data in (0, 1, 17, 2**31, 2**32 - 1):
        assert words(jax.random.fold_in(theirs, data)) == random.fold_in(ours, data)
    deep = jax.random.fold_in(jax.random.fold_in(theirs, 3), 4)
    assert words(deep) == random.fold_in(random.fold_in(ours, 3), 4)


@pytest.mark.parametrize("seed", [2**32, 2**40 + 5, 2**63 - 1])
def test_a_seed_beyond_32_bits_needs_x64_in_jax(seed):
    with jax.enable_x64(True):
        assert words(jax.random.key(seed)) == random.key(seed)
    low = random.key(seed % 2**32)
    assert random.key(seed) != low  # the upper bits count


def test_bits_do_not_depend_on_how_an_array_is_split_over_devices():
    # JAX's default; the twin knows no other layout.
    assert jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]


def test_no_key_stays_no_key():
    assert random.fold_in(None, 1) is None
    assert jax_impl.random.fold_in(None, 1) is None


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_bits_and_uniform_numbers_are_the_same(seed, shape):
    theirs, ours = jax.random.key(seed), random.key(seed)
    expected = np.asarray(jax.random.bits(theirs, shape, jnp.uint32))
    drawn = random.bits(ours, shape)
    assert tuple(drawn.shape) == shape
    np.testing.assert_array_equal(drawn.numpy().view(np.uint32), expected)
    np.testing.assert_array_equal(
        random.uniform(ours, shape).numpy(), np.asarray(jax.random.uniform(theirs, shape))
    )


def test_too_many_numbers_for_one_key_are_refused():
    with pytest.raises(ValueError, match=r"\(65536, 32768\) has 2147483648 elements"):
        random.bits(random.key(0), (65536, 32768))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_dropout_drops_the_same_elements_in_both_frameworks_and_every_dtype(rate, dtype):
    shape = (40, 500)
    with jax.enable_x64(dtype == "float64"):
        dropped = jax_impl.layers.dropout(jnp.ones(shape, dtype), rate, jax.random.key(3))
        theirs = np.asarray(dropped, np.float64)
    ours = torch_impl.layers.dropout(torch.ones(shape, dtype=getattr(torch, dtype)), rate, random.key(3))
    np.testing.assert_array_equal(ours.to(torch.float64).numpy(), theirs)
    mask = torch_impl.layers.dropout(torch.ones(shape), rate, random.key(3)).numpy() != 0
    np.testing.assert_array_equal(theirs != 0, mask)
    deviation = np.sqrt(rate * (1 - rate) / mask.size)
    assert abs(mask.mean() - (1 - rate)) < 4 * deviation
    digits = {"bfloat16": 2**-8, "float32": 1e-7, "float64": 1e-15}[dtype]
    np.testing.assert_allclose(theirs[mask], 1 / (1 - rate), rtol=digits)


def test_dropout_needs_a_key_and_a_rate():
    x = torch.ones(1000)
    assert torch_impl.layers.dropout(x, 0.5) is x
    assert torch_impl.layers.dropout(x, 0.0, random.key(0)) is x
    different = [torch_impl.layers.dropout(x, 0.5, random.key(seed)) for seed in (0, 1)]
    assert not torch.equal(*different)
    theirs = jnp.ones(1000)
    assert jax_impl.layers.dropout(theirs, 0.5) is theirs
    assert jax_impl.layers.dropout(theirs, 0.0, jax.random.key(0)) is theirs


@pytest.mark.parametrize("shape", [(1,), (3, 7), (2, 3, 5), (40, 5000)], ids=str)
@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_draws_from_softmax_are_jaxs_and_the_same_in_every_dtype(seed, shape):
    logits = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = np.asarray(jax.random.categorical(jax.random.key(seed), jnp.asarray(logits)))
    for dtype in (np.float32, np.float64):
        with jax.enable_x64(dtype == np.float64):
            drawn = jax_impl.random.categorical(jax.random.key(seed), jnp.asarray(logits, dtype))
            np.testing.assert_array_equal(np.asarray(drawn), expected)
        ours = random.categorical(random.key(seed), torch.tensor(logits.astype(dtype)))
        np.testing.assert_array_equal(ours.numpy(), expected)


def test_an_impossible_class_is_never_drawn():
    impossible = np.where(np.arange(10) % 2, 0.0, -np.inf).astype(np.float32).reshape(1, -1).repeat(2000, 0)
    drawn = random.categorical(random.key(0), torch.tensor(impossible)).numpy()
    assert set(drawn) == {1, 3, 5, 7, 9}
