"""With the cache, token by token, both twins say what they say without it."""

from dataclasses import replace
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax.traverse_util import unflatten_dict

from parity_tests.twins.check import find_twins
from parity_tests.twins.inputs import POSITION
from parity_tests.twins.run import initial_params
from torch_impl import convert, tables

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


def translated():
    """The encoder-decoder, its weights, sources with padding, and targets."""
    (twin,) = find_twins("encoder_decoder")
    inputs = twin.inputs(np.random.default_rng(0))
    params = initial_params(twin, inputs, 0)
    rows = inputs["source_mask"].any(axis=1)
    return twin, params, {name: array[rows] for name, array in inputs.items()}


def decoded_in_jax():
    twin, params, inputs = translated()
    with jax.enable_x64(True):
        module = twin.build("jax_impl")
        variables = {"params": unflatten_dict({n: jnp.asarray(a) for n, a in params.items()}, sep="/")}
        source, target, mask = (jnp.asarray(inputs[n]) for n in ("source", "target", "source_mask"))
        step = jax.jit(lambda *arguments: module.apply(variables, *arguments, method="step"))

        def begin(source, mask):
            context = module.apply(variables, source, mask, method="encode")
            return module.apply(variables, context, CAPACITY, jnp.float64, method="empty_cache")

        cache, pieces = jax.jit(begin)(source, mask), []
        for start, end in cuts():
            logits, cache = step(target[:, start:end], cache, mask)
            pieces.append(np.asarray(logits))
        assert int(cache.length) == POSITION
        return np.asarray(jax.jit(module.apply)(variables, source, target, mask)), pieces


def decoded_in_torch():
    twin, params, inputs = translated()
    module = twin.build("torch_impl")
    convert.load(module, params)
    source, target, mask = (torch.tensor(inputs[n]) for n in ("source", "target", "source_mask"))
    cache = module.empty_cache(module.encode(source, mask), CAPACITY, torch.float64)
    pieces = []
    for start, end in cuts():
        logits, cache = module.step(target[:, start:end], cache, mask)
        pieces.append(logits.numpy())
    assert cache.length == POSITION
    return module(source, target, mask).detach().numpy(), pieces


@pytest.mark.parametrize("run", [decoded_in_jax, decoded_in_torch], ids=["jax", "torch"])
def test_a_cached_decoder_is_the_uncached_one(run):
    whole, pieces = run()
    cached = np.concatenate(pieces, axis=1)
    assert cached.shape == whole.shape
    assert np.abs(cached - whole).max() <= 1e-11 * np.abs(whole).max()


@pytest.mark.parametrize("name", ["gpt", "gpt3", "llama", "qwen3"])
def test_a_step_computes_on_its_device(name):
    """On a device that holds no numbers, a tensor left on the CPU, or read from there, is an error."""
    twin, _, ids = model(name)
    module = twin.build("torch_impl").to("meta")
    cache = module.empty_cache(len(ids), CAPACITY)
    for start, end in cuts():
        logits, cache = module.step(torch.tensor(ids[:, start:end], device="meta"), cache)
        assert logits.device.type == cache.layers[0].key.device.type == "meta"
    assert cache.length == POSITION


def test_a_decoders_step_computes_on_its_device():
    twin, _, inputs = translated()
    module = twin.build("torch_impl").to("meta")
    source, target, mask = (
        torch.tensor(inputs[n], device="meta") for n in ("source", "target", "source_mask")
    )
    cache = module.empty_cache(module.encode(source, mask), CAPACITY)
    logits, cache = module.step(target[:, :1], cache, mask)
    assert logits.device.type == cache.sources[0].key.device.type == "meta"


def test_position_tables_are_made_once():
    """Not at each forward: PyTorch would compute them on the host and copy them each time."""
    twin, params, ids = model("llama")
    twin = replace(twin, arguments={**twin.arguments, "theta": 12345.0})  # which no other test has
    module = twin.build("torch_impl")
    convert.load(module, params)
    with patch.object(tables, "rotary_angles", wraps=tables.rotary_angles) as computed:
        with torch.inference_mode():
            module(torch.tensor(ids))
        module(torch.tensor(ids)).sum().backward()  # the table that inference left can be trained with
    assert computed.call_count == 1
