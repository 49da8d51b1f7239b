"""What masks promise, in both frameworks: nothing hidden has any influence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax.traverse_util import unflatten_dict

import jax_impl.masks
import torch_impl.masks
from parity_tests.twins.check import find_twins
from parity_tests.twins.run import initial_params, run_jax, run_torch
from torch_impl import convert


def in_jax(twin, params, inputs):
    module = twin.build("jax_impl")
    arrays = {n: jnp.asarray(a, jnp.float32 if a.dtype == np.float64 else None) for n, a in inputs.items()}
    if not params:
        return np.asarray(module(**arrays))
    tree = unflatten_dict({name: jnp.asarray(a, jnp.float32) for name, a in params.items()}, sep="/")
    return np.asarray(jax.jit(module.apply)({"params": tree}, **arrays))


def in_torch(twin, params, inputs):
    module = twin.build("torch_impl")
    tensors = {
        n: torch.tensor(a, dtype=torch.float32 if a.dtype == np.float64 else None) for n, a in inputs.items()
    }
    if params:
        convert.load(module, {name: array.astype(np.float32) for name, array in params.items()})
    return module(**tensors).detach().numpy()


FORWARD = pytest.mark.parametrize("forward", [in_jax, in_torch], ids=["jax", "torch"])


def result(name):
    (twin,) = find_twins(name)
    inputs = twin.inputs(np.random.default_rng(1))
    return twin, initial_params(twin, inputs, 1), inputs


@FORWARD
def test_a_hidden_keys_value_has_no_influence(forward):
    twin, params, inputs = result("attention_padded")
    hidden = np.broadcast_to(~inputs["mask"].swapaxes(-1, -2), (*inputs["key"].shape[:-1], 1))
    changed = dict(inputs)
    for name in ("key", "value"):
        changed[name] = np.where(hidden, 1e6, inputs[name])
    np.testing.assert_array_equal(forward(twin, params, changed), forward(twin, params, inputs))


@FORWARD
@pytest.mark.parametrize("name", ["classifier", "bert_classifier_mean", "gpt_classifier"])
def test_padding_tokens_have_no_influence_on_the_logits(forward, name):
    twin, params, inputs = result(name)
    changed = {**inputs, "ids": np.where(inputs["mask"], inputs["ids"], (inputs["ids"] + 1) % 31)}
    assert (changed["ids"] != inputs["ids"]).any()
    np.testing.assert_array_equal(forward(twin, params, changed), forward(twin, params, inputs))


@FORWARD
def test_causal_attention_does_not_look_ahead(forward):
    twin, params, inputs = result("multi_head_causal")
    before = forward(twin, params, inputs)
    changed = {**inputs, "context": inputs["context"].copy()}
    changed["context"][:, 4:] += 1.0
    after = forward(twin, params, changed)
    np.testing.assert_array_equal(after[:, :4], before[:, :4])
    assert (np.abs(after[:, 4:] - before[:, 4:]).max(axis=-1) > 1e-3).all()


@FORWARD
@pytest.mark.parametrize("name", ["gpt", "gpt1", "gpt3", "llama", "encoder_decoder"])
def test_a_injected_future_token_does_not_move_earlier_outputs(forward, name):
    twin, params, inputs = result(name)
    read = "target" if name == "encoder_decoder" else "ids"
    whole = {n: array for n, array in inputs.items() if n != "mask"}
    changed = {**whole, read: whole[read].copy()}
    changed[read][:, 4] = (changed[read][:, 4] + 1) % 31
    before, after = forward(twin, params, whole), forward(twin, params, changed)
    np.testing.assert_array_equal(after[:, :4], before[:, :4])
    assert (np.abs(after[:, 4] - before[:, 4]).max(axis=-1) > 1e-3).all()


@pytest.mark.parametrize("run", [run_jax, run_torch], ids=["jax", "torch"])
def test_a_text_without_tokens_gives_the_heads_bias_and_finite_gradients(run):
    twin, params, inputs = result("classifier")
    empty = ~inputs["mask"].any(axis=1)
    assert empty.any() and not empty.all()
    trace = run(twin, params, inputs, "float32")
    np.testing.assert_array_equal(trace.arrays["tap"]["pooled"][empty], 0.0)
    expected = np.broadcast_to(params["head/bias"], (empty.sum(), 4)).astype(np.float32)
    np.testing.assert_array_equal(trace.arrays["forward"]["output"][empty], expected)
    assert all(np.isfinite(gradient).all() for gradient in trace.arrays["parameter gradient"].values())


CAUSAL = {
    (3, 3): [[1, 0, 0], [1, 1, 0], [1, 1, 1]],
    (2, 4): [[1, 1, 1, 0], [1, 1, 1, 1]],
    (3, 2): [[0, 0], [1, 0], [1, 1]],
}


@pytest.mark.parametrize("sizes", CAUSAL, ids=str)
def test_the_causal_mask_is_a_triangle_that_ends_at_the_last_key(sizes):
    expected = np.array(CAUSAL[sizes], bool)[None, None]
    np.testing.assert_array_equal(np.asarray(jax_impl.masks.causal_mask(*sizes)), expected)
    np.testing.assert_array_equal(torch_impl.masks.causal_mask(*sizes).numpy(), expected)


def test_masks_combine():
    real = np.array([[True, True, False]])
    causal_and_real = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0]], bool)[None, None]
    jax_mask = jax_impl.masks.causal_mask(3, 3) & jax_impl.masks.padding_mask(jnp.asarray(real))
    torch_mask = torch_impl.masks.causal_mask(3, 3) & torch_impl.masks.padding_mask(torch.tensor(real))
    np.testing.assert_array_equal(np.asarray(jax_mask), causal_and_real)
    np.testing.assert_array_equal(torch_mask.numpy(), causal_and_real)
