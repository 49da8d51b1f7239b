"""The last block where it is read: the same numbers as everywhere, in both frameworks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity_tests.twins import registry
from parity_tests.twins.inputs import CLASSES
from parity_tests.twins.models import _MODEL, _masked_words, _segments
from torch_impl import convert

MODELS = [
    ("bert_for_masked_lm", _masked_words, {}),
    ("bert_pretraining", _masked_words, {}),
    ("bert_classifier", _segments, {"classes": CLASSES}),
    ("bert_classifier", _segments, {"classes": CLASSES, "pooling": "mean"}),
]


@pytest.mark.parametrize(("model", "draw", "more"), MODELS)
def test_lean_changes_neither_what_is_computed_nor_a_gradient(model, draw, more):
    pair, inputs = registry.MODELS[model], draw(np.random.default_rng(0))
    plain, lean = (pair.build("jax_impl", _MODEL | more | {"lean": lean}) for lean in (False, True))
    with jax.enable_x64(True):
        arrays = jax.tree.map(jnp.asarray, inputs)
        params = jax.tree.map(
            lambda a: a.astype("float64"), jax.jit(plain.init)(jax.random.key(0), **arrays)["params"]
        )

        def total(params, module):
            outputs = jax.tree.leaves(module.apply({"params": params}, **arrays))
            return sum(
                (array * np.cos(np.arange(array.size)).reshape(array.shape)).sum() for array in outputs
            )

        gradient = jax.jit(jax.value_and_grad(total), static_argnums=1)
        here, there = (gradient(params, module) for module in (plain, lean))
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11), here, there)
        flat = {"/".join(k.key for k in path): np.asarray(a) for path, a in jax.tree.leaves_with_path(params)}
        expected = jax.tree.leaves(jax.jit(plain.apply)({"params": params}, **arrays))
    module = pair.build("torch_impl", _MODEL | more | {"lean": True}).double()
    convert.load(module, flat)
    with torch.no_grad():
        outputs = module(**{name: torch.from_numpy(array) for name, array in inputs.items()})
    outputs = outputs if isinstance(outputs, tuple) else [outputs]
    for array, tensor in zip(expected, outputs, strict=True):
        np.testing.assert_allclose(tensor.numpy(), array, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
def test_the_last_block_computes_the_masked_positions_alone(package):
    inputs, shapes = _masked_words(np.random.default_rng(0)), {}

    def tap(name, value, axes):
        shapes[name] = tuple(value.shape)
        return value

    module = registry.MODELS["bert_for_masked_lm"].build(package, _MODEL | {"lean": True})
    if package == "jax_impl":
        arrays = jax.tree.map(jnp.asarray, inputs)
        module.apply(module.init(jax.random.key(0), **arrays), **arrays, tap=tap)
    else:
        module(**{name: torch.from_numpy(array) for name, array in inputs.items()}, tap=tap)
    masked, everywhere = inputs["masked_positions"].shape[1], inputs["ids"].shape[1]
    assert shapes["bert/blocks.0/feed_forward/hidden"][1] == everywhere
    assert shapes["bert/blocks.1/feed_forward/hidden"][1] == masked
    assert shapes["bert/blocks.1/attention/query"][2] == masked
    assert shapes["bert/blocks.1/attention/key"][2] == everywhere
