"""The Flax models lower for GPUs and TPUs on a machine that has neither: training, evaluation, generation."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import export

from jax_impl.classifier import TextClassifier
from jax_impl.config import ClassifierConfig, GPTConfig, Seq2SeqConfig
from jax_impl.generate import generate
from jax_impl.gpt import GPT
from jax_impl.losses import cross_entropy, weighted_cross_entropy
from jax_impl.seq2seq import EncoderDecoder

SIZES: dict[str, Any] = {
    "vocab": 31,
    "max_positions": 8,
    "embed": 16,
    "heads": 2,
    "mlp": 32,
    "layers": 2,
    "dropout": 0.1,
}
IDS = jax.ShapeDtypeStruct((4, 8), jnp.int32)
MASK = jax.ShapeDtypeStruct((4, 8), jnp.bool_)
LABELS = jax.ShapeDtypeStruct((4,), jnp.int32)
WEIGHTS = jax.ShapeDtypeStruct((4, 8), jnp.float32)
SEED = jax.ShapeDtypeStruct((), jnp.uint32)

# A model, its inputs, its loss, what this takes beside the logits, and the shape of the logits.
MODELS: dict[str, tuple[Any, ...]] = {
    "classifier": (
        TextClassifier(ClassifierConfig(classes=4, **SIZES)),
        (IDS, MASK),
        cross_entropy,
        (LABELS,),
        (4, 4),
    ),
    "encoder_decoder": (
        EncoderDecoder(Seq2SeqConfig(**SIZES)),
        (IDS, IDS, MASK),
        weighted_cross_entropy,
        (IDS, WEIGHTS),
        (4, 8, 31),
    ),
}


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
@pytest.mark.parametrize("name", MODELS)
def test_the_model_lowers_for_every_platform(name, platform):
    model, inputs, entropy, labels, shape = MODELS[name]
    params = jax.eval_shape(model.init, jax.random.key(0), *inputs)

    def loss_and_gradient(params, inputs, labels, seed):
        def loss(params):
            return entropy(model.apply(params, *inputs, jax.random.key(seed)), *labels, 0.1)

        return jax.value_and_grad(loss)(params)

    evaluation = export.export(jax.jit(model.apply), platforms=[platform])(params, *inputs)
    training = export.export(jax.jit(loss_and_gradient), platforms=[platform])(params, inputs, labels, SEED)
    for exported in (evaluation, training):
        assert exported.platforms == (platform,)
        assert "stablehlo.dot_general" in exported.mlir_module()
    (logits,) = evaluation.out_avals
    assert logits.shape == shape and logits.dtype == jnp.float32
    gradients = jax.tree.leaves(params)
    assert [a.shape for a in training.out_avals] == [(), *(leaf.shape for leaf in gradients)]


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_generation_lowers_for_every_platform_as_one_program(platform):
    model = GPT(GPTConfig(vocab=31, max_positions=16, embed=16, heads=2, mlp=32, layers=2))

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
