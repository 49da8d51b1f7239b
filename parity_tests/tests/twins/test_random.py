"""PyTorch's twin of JAX's random numbers: to the bit, but for the normal ones."""

import math

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
SHAPES = [(), (0,), (7,), (3, 0, 2), (2, 3, 5), (random.CHUNK + 3,), (2, random.CHUNK)]

# Any seeds will do, as long as they are the same in every run.
SEEDED = [
    (int(np.random.default_rng(number).integers(2**32)), shape)
    for number, shape in enumerate([(), (3, 0, 2), (1001,), (7, 11, 13)])
]
CASE = pytest.mark.parametrize(("seed", "shape"), SEEDED, ids=str)


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


def jax_draws(draw, seed, shape, dtype="float32"):
    """What JAX draws, of one length for all small shapes and reshaped, which saves compiling it for each.

    A number depends on its place, row by row: `bits` below are compared with JAX's own of each shape.
    """
    count = math.prod(shape)
    with jax.enable_x64("64" in dtype):
        return np.asarray(draw(jax.random.key(seed), (max(count, 1001),)))[:count].reshape(shape)


def test_bits_do_not_depend_on_how_an_array_is_split_over_devices():
    # JAX's default; the twin knows no other layout.
    assert jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]


def test_no_key_stays_no_key():
    assert random.fold_in(None, 1) is None
    assert jax_impl.random.fold_in(None, 1) is None


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_bits_of_every_shape_are_the_same(seed, shape):
    expected = np.asarray(jax.random.bits(jax.random.key(seed), shape, jnp.uint32))
    drawn = random.bits(random.key(seed), shape)
    assert tuple(drawn.shape) == shape
    np.testing.assert_array_equal(drawn.numpy().view(np.uint32), expected)


@pytest.mark.parametrize("width", [8, 16, 64])
@CASE
def test_bits_of_other_widths_are_the_same(seed, shape, width):
    dtype = f"uint{width}"
    expected = jax_draws(lambda rng, shape: jax.random.bits(rng, shape, dtype), seed, shape, dtype)
    drawn = random.bits(random.key(seed), shape, width)
    assert drawn.dtype == getattr(torch, f"int{width}")
    np.testing.assert_array_equal(drawn.numpy().view(expected.dtype), expected)


@pytest.mark.parametrize("num", [0, 1, 2, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_split_keys_are_the_same_words(seed, num):
    theirs = jax.random.split(jax.random.key(seed), num)
    ours = random.split(random.key(seed), num)
    assert [words(one) for one in theirs] == list(ours)
    assert random.split(random.key(seed)) == random.split(random.key(seed), 2)


# The product with these differences is exact, so that it does not matter when it is rounded.
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.3125, 0.4375), (3.0, 2.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@CASE
def test_uniform_numbers_are_the_same_in_both_dtypes(seed, shape, dtype, low, high):
    expected = jax_draws(
        lambda rng, shape: jax.random.uniform(rng, shape, dtype, low, high), seed, shape, dtype
    )
    drawn = random.uniform(random.key(seed), shape, getattr(torch, dtype), low, high).numpy()
    assert drawn.dtype == expected.dtype
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_numbers_between_any_bounds_differ_by_one_rounding(dtype):
    low, high = -3.3, 10.7
    with jax.enable_x64(dtype == "float64"):
        expected = np.asarray(jax.random.uniform(jax.random.key(1), (20000,), dtype, low, high))
    drawn = random.uniform(random.key(1), (20000,), getattr(torch, dtype), low, high).numpy()
    # The product is below 16: rounding it moves the sum by at most half a unit of 8 to 16; the sum's own
    # rounding by half of its own on either side.
    assert np.abs(drawn - expected).max() <= 1.5 * np.spacing(expected.dtype.type(8.0))
    assert low <= drawn.min() < low + 0.01 and high - 0.01 < drawn.max() <= high


def test_uniform_numbers_are_of_one_of_two_dtypes():
    with pytest.raises(ValueError, match="bfloat16: uniform numbers are drawn in float32 or float64"):
        random.uniform(random.key(0), (2,), torch.bfloat16)


# How many units in the last place JAX's logarithm costs away from the tails: 4.4 and 31.6 seen in 4M draws.
UNITS = {"float32": 6, "float64": 40}


def beyond_units(theirs, ours):
    """What two draws of normal numbers differ by beyond `UNITS`, in eps of the uniform numbers inverted."""
    wide = theirs.astype(np.float64)
    beyond = np.abs(wide - ours) - UNITS[theirs.dtype.name] * np.spacing(np.abs(theirs)).astype(np.float64)
    slope = math.sqrt(math.pi / 2) * np.exp(wide**2 / 2)
    return np.max(beyond / slope, initial=0) / np.finfo(theirs.dtype).eps


def drawn_normal(seed, shape, dtype):
    theirs = jax_draws(lambda rng, shape: jax.random.normal(rng, shape, dtype), seed, shape, dtype)
    ours = random.normal(random.key(seed), shape, getattr(torch, dtype)).numpy()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape == shape
    return theirs, ours


def drawn_truncated(seed, shape, dtype, low, high):
    theirs = jax_draws(
        lambda rng, shape: jax.random.truncated_normal(rng, low, high, shape, dtype), seed, shape, dtype
    )
    ours = random.truncated_normal(random.key(seed), low, high, shape, getattr(torch, dtype)).numpy()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape == shape
    assert ((low < ours) & (ours < high)).all()
    return theirs, ours


NORMAL, TRUNCATED = 1 / 8, 3 / 4  # 1/8: u^2 is rounded in JAX; 3/4: so are the bounds and the scaled numbers


@pytest.mark.parametrize("dtype", UNITS)
@CASE
def test_normal_numbers_of_every_shape_are_the_same_but_for_the_last_places(seed, shape, dtype):
    assert beyond_units(*drawn_normal(seed, shape, dtype)) <= NORMAL
    assert beyond_units(*drawn_truncated(seed, shape, dtype, -2.0, 2.0)) <= TRUNCATED


@pytest.mark.parametrize("dtype", UNITS)
def test_the_bound_on_normal_numbers_holds_in_the_tails_and_shows_one_wrong_bit(dtype, monkeypatch):
    many = (3, (200_000,), dtype)
    theirs, ours = drawn_normal(*many)
    assert np.abs(theirs).max() > 4.5
    assert beyond_units(theirs, ours) <= NORMAL
    assert np.median(np.abs(theirs - ours) / np.spacing(np.abs(theirs))) <= 1
    for low, high in [(-2.0, 2.0), (-1.0, 1.5), (0.3, 3.0), (-5.0, 5.0)]:
        assert beyond_units(*drawn_truncated(*many, low, high)) <= TRUNCATED

    right = random.bits
    lowest_bit = {"float32": 1 << 9, "float64": 1 << 12}[dtype]
    monkeypatch.setattr(random, "bits", lambda *arguments: right(*arguments) + lowest_bit)
    assert beyond_units(*drawn_normal(*many)) > NORMAL
    assert beyond_units(*drawn_truncated(*many, -2.0, 2.0)) > TRUNCATED


@pytest.mark.parametrize("dtype", UNITS)
def test_truncated_numbers_never_reach_their_bounds(dtype):
    # Between bounds this near many uniform numbers are rounded to one of them.
    theirs, ours = drawn_truncated(0, (1001,), dtype, 1.0, 1.0 + 16 * float(np.finfo(dtype).eps))
    assert beyond_units(theirs, ours) <= TRUNCATED


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
@CASE
def test_trials_succeed_together(seed, shape, p):
    expected = jax_draws(lambda rng, shape: jax.random.bernoulli(rng, p, shape), seed, shape)
    np.testing.assert_array_equal(random.bernoulli(random.key(seed), p, shape).numpy(), expected)


def test_a_probability_is_rounded_to_float32_before_it_is_compared():
    just_above = random.uniform(random.key(0), ()).item() * (1 + 1e-9)
    assert not jax.random.bernoulli(jax.random.key(0), just_above)
    assert not random.bernoulli(random.key(0), just_above, ())


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, 10), (-7, 2**16 - 7), (5, 2**16 + 6), (-(2**31), 2**31 - 1), (-3, 10**9)]
)
@CASE
def test_integers_are_the_same(seed, shape, low, high):
    expected = jax_draws(lambda rng, shape: jax.random.randint(rng, shape, low, high), seed, shape)
    drawn = random.randint(random.key(seed), shape, low, high).numpy()
    assert drawn.dtype == expected.dtype == np.int32
    np.testing.assert_array_equal(drawn, expected)


def test_integers_of_all_32_bits_are_the_same():
    with jax.enable_x64(True):
        expected = jax.random.randint(jax.random.key(1), (1001,), -(2**31), 2**31, jnp.int32)
    drawn = random.randint(random.key(1), (1001,), -(2**31), 2**31)
    np.testing.assert_array_equal(drawn.numpy(), np.asarray(expected))


@pytest.mark.parametrize(("low", "high"), [(3, 3), (3, 2), (0, 2**31 + 1), (-(2**31) - 1, 0)])
def test_a_range_without_integers_of_32_bits_is_refused(low, high):
    with pytest.raises(ValueError, match=f"no int32 is at least {low} and less than {high}"):
        random.randint(random.key(0), (2,), low, high)


# One round up to 1,625, two from there on; of 200,000 words some are equal, and the sort must be stable.
@pytest.mark.parametrize("n", [0, 1, 1625, 1626, 200_000])
@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_permutations_are_the_same(seed, n):
    drawn = random.permutation(random.key(seed), n).numpy()
    np.testing.assert_array_equal(drawn, np.asarray(jax.random.permutation(jax.random.key(seed), n)))
    np.testing.assert_array_equal(np.sort(drawn), np.arange(n))


def test_too_many_numbers_for_one_key_are_refused():
    with pytest.raises(ValueError, match=r"\(65536, 32768\) has 2147483648 elements"):
        random.bits(random.key(0), (65536, 32768))


def test_every_draw_is_made_on_the_device_that_is_asked_for():
    rng, shape, device = random.key(0), (2, 3), torch.device("meta")
    draws = [
        random.bits(rng, shape, 64, device),
        random.uniform(rng, shape, torch.float64, -1.0, 1.0, device),
        random.normal(rng, shape, torch.float64, device),
        random.truncated_normal(rng, -2.0, 2.0, shape, torch.float64, device),
        random.bernoulli(rng, 0.5, shape, device),
        random.randint(rng, shape, 0, 10, device),
        random.permutation(rng, 6, device).reshape(shape),
        random.categorical(rng, torch.zeros((*shape, 4), device=device)),
    ]
    for drawn in draws:
        assert drawn.device == device and drawn.shape == shape


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


@pytest.mark.parametrize("shape", [(1,), (2, 3, 5), (40, 5000)], ids=str)
@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_draws_from_softmax_are_jaxs_and_the_same_in_every_dtype(seed, shape):
    logits = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = np.asarray(jax.random.categorical(jax.random.key(seed), jnp.asarray(logits)))
    for dtype in (np.float32, np.float64):
        with jax.enable_x64(dtype == np.float64):
            drawn = jax.jit(jax_impl.random.categorical)(jax.random.key(seed), jnp.asarray(logits, dtype))
            np.testing.assert_array_equal(np.asarray(drawn), expected)
        ours = random.categorical(random.key(seed), torch.tensor(logits.astype(dtype)))
        np.testing.assert_array_equal(ours.numpy(), expected)


def test_an_impossible_class_is_never_drawn():
    impossible = np.where(np.arange(10) % 2, 0.0, -np.inf).astype(np.float32).reshape(1, -1).repeat(2000, 0)
    drawn = random.categorical(random.key(0), torch.tensor(impossible)).numpy()
    assert set(drawn) == {1, 3, 5, 7, 9}


def test_bits_that_are_all_zero_are_a_draw_like_any_other(monkeypatch):
    monkeypatch.setattr(random, "bits", lambda rng, shape, *_: torch.zeros(shape, dtype=torch.int32))
    assert random.categorical(random.key(0), torch.tensor([0.0, 2.0, 1.0])) == 1
