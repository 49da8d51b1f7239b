"""The Flax models lower for GPUs and TPUs on a machine that has neither: training, evaluation, generation."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import export

from jax_impl.classifier import TextClassifier
from jax_impl.generate import generate
from jax_impl.gpt import GPT
from jax_impl.losses import cross_entropy

MODEL = TextClassifier(vocab=31, classes=4, positions=8, embed=16, heads=2, mlp=32, layers=2, dropout=0.1)
IDS = jax.ShapeDtypeStruct((4, 8), jnp.int32)
MASK = jax.ShapeDtypeStruct((4, 8), jnp.bool_)
LABELS = jax.ShapeDtypeStruct((4,), jnp.int32)
PARAMS = jax.eval_shape(MODEL.init, jax.random.key(0), IDS, MASK)
SEED = jax.ShapeDtypeStruct((), jnp.uint32)


def logits(params, ids, mask):
    return MODEL.apply(params, ids, mask)


def loss_and_gradient(params, ids, mask, labels, seed):
    def loss(params):
        logits: Any = MODEL.apply(params, ids, mask, jax.random.key(seed))
        return cross_entropy(logits, labels, 0.1)

    return jax.value_and_grad(loss)(params)


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_the_classifier_lowers_for_every_platform(platform):
    evaluation = export.export(jax.jit(logits), platforms=[platform])(PARAMS, IDS, MASK)
    training = export.export(jax.jit(loss_and_gradient), platforms=[platform])(
        PARAMS, IDS, MASK, LABELS, SEED
    )
    for exported in (evaluation, training):
        assert exported.platforms == (platform,)
        assert "stablehlo.dot_general" in exported.mlir_module()
    (shape,) = evaluation.out_avals
    assert shape.shape == (4, 4) and shape.dtype == jnp.float32
    gradients = jax.tree.leaves(PARAMS)
    assert [a.shape for a in training.out_avals] == [(), *(leaf.shape for leaf in gradients)]


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_generation_lowers_for_every_platform_as_one_program(platform):
    model = GPT(vocab=31, positions=16, embed=16, heads=2, mlp=32, layers=2)

    def text(params, prompts, seed):
        return generate(model.bind(params), prompts, [8, 5, 3, 8], 8, jax.random.key(seed), 0.8, 5, 0.9, 0)

    params = jax.eval_shape(model.init, jax.random.key(0), IDS)
    seed = jax.ShapeDtypeStruct((), jnp.uint32)
    exported = export.export(jax.jit(text), platforms=[platform])(params, IDS, seed)
    assert "stablehlo.while" in exported.mlir_module()
    assert [(shape.shape, shape.dtype) for shape in exported.out_avals] == [
        ((4, 16), jnp.int32),
        ((4,), jnp.int32),
    ]
