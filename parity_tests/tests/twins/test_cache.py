"""With the cache, token by token, both twins say what they say without it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax.traverse_util import unflatten_dict

from parity_tests.twins.check import find_twins
from parity_tests.twins.inputs import POSITION
from parity_tests.twins.run import initial_params
from torch_impl import convert

CAPACITY, PROMPT = POSITION + 1, 3  # one place stays empty


def model(name):
    """The twin, its weights, and ids without padding."""
    (twin,) = find_twins(name)
    inputs = twin.inputs(np.random.default_rng(0))
    return twin, initial_params(twin, inputs, 0), inputs["ids"][:2]


def cuts():
    """The prompt, then one token after the other."""
    return [(0, PROMPT), *((place, place + 1) for place in range(PROMPT, POSITION))]


def in_jax(name):
    twin, params, ids = model(name)
    with jax.enable_x64(True):
        module = twin.build("jax_impl")
        variables = {"params": unflatten_dict({n: jnp.asarray(a) for n, a in params.items()}, sep="/")}
        step = jax.jit(lambda ids, cache: module.apply(variables, ids, cache, method="step"))
        cache = module.empty_cache(len(ids), CAPACITY, jnp.float64)
        pieces = []
        for start, end in cuts():
            logits, cache = step(jnp.asarray(ids[:, start:end]), cache)
            pieces.append(np.asarray(logits))
        assert int(cache.length) == POSITION
        return np.asarray(jax.jit(module.apply)(variables, jnp.asarray(ids))), pieces, step._cache_size()


def in_torch(name):
    twin, params, ids = model(name)
    module = twin.build("torch_impl")
    convert.load(module, params)
    cache = module.empty_cache(len(ids), CAPACITY, torch.float64)
    pieces = []
    for start, end in cuts():
        logits, cache = module.step(torch.tensor(ids[:, start:end]), cache)
        pieces.append(logits.numpy())
    assert int(cache.length) == POSITION
    return module(torch.tensor(ids)).detach().numpy(), pieces, None


@pytest.mark.parametrize("run", [in_jax, in_torch], ids=["jax", "torch"])
@pytest.mark.parametrize("name", ["gpt", "gpt1", "gpt3", "llama", "mistral", "qwen2", "qwen3"])
def test_cached_is_uncached(name, run):
    whole, pieces, compilations = run(name)
    cached = np.concatenate(pieces, axis=1)
    assert cached.shape == whole.shape
    assert np.abs(cached - whole).max() <= 1e-11 * np.abs(whole).max()
    assert compilations in (2, None)  # one program for the prompt, one for all further tokens


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
def test_a_cache_has_no_more_capacity_than_the_model_has_positions(package):
    (twin,) = find_twins("gpt")
    with pytest.raises(ValueError, match=r"10 tokens in a row, .* max_positions=9"):
        twin.build(package).empty_cache(2, 10)


def test_a_cache_that_remembers_nothing_would_be_noticed():
    twin, params, ids = model("gpt")
    module = twin.build("torch_impl")
    convert.load(module, params)
    fresh = module.empty_cache(len(ids), CAPACITY, torch.float64)
    fresh = fresh._replace(length=PROMPT)  # the right position, but empty keys and values
    forgetful, _ = module.step(torch.tensor(ids[:, PROMPT : PROMPT + 1]), fresh)
    whole = module(torch.tensor(ids))[:, PROMPT]
    assert (forgetful[:, 0] - whole).abs().max() > 1e-3 * whole.abs().max()
