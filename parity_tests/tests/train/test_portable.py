"""What the command computes in JAX lowers for GPUs and TPUs on a machine that has neither.

That is the training step of every family, evaluation, and generation. PyTorch's steps stay on their device.
"""

from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax.traverse_util import flatten_dict
from jax import export

from data import Batch, MaskedBatch, NextTokenBatch, Seq2SeqBatch, TextBatch
from jax_impl import optimizer
from jax_impl.config import (
    BertClassifierConfig,
    BertConfig,
    ClassifierConfig,
    GPTClassifierConfig,
    GPTConfig,
    Seq2SeqConfig,
)
from jax_impl.generate import generate
from jax_impl.gpt import GPT
from train.architecture import Architecture
from train.config import FAMILIES, Optimizer
from train.loops import jax_loop, torch_loop
from train.loops.schedule import rates_at

SIZES: dict[str, Any] = {
    "vocab": 31,
    "max_positions": 8,
    "embed": 16,
    "heads": 2,
    "mlp": 32,
    "layers": 2,
    "dropout": 0.1,
}
LLAMA: dict[str, Any] = {
    "position_encoding": "rotary",
    "norm": "rms",
    "gated": True,
    "use_bias": False,
    "kv_heads": 1,
}
IDS, WEIGHTS = np.zeros((4, 8), np.int32), np.ones((4, 8), np.float32)
TEXTS = TextBatch(IDS, IDS == 0, IDS[:, 0], IDS[:, 0])
WINDOWS = NextTokenBatch(IDS, IDS)

# A family, its model, and a batch.
TRAINED: dict[str, tuple[str, Architecture, Batch]] = {
    "classifier": ("classifier", Architecture("classifier", ClassifierConfig(**SIZES, classes=4)), TEXTS),
    "fine-tuned bert": (
        "classifier",
        Architecture("bert_classifier", BertClassifierConfig(**SIZES, classes=4)),
        TEXTS,
    ),
    "fine-tuned gpt": (
        "classifier",
        Architecture("gpt_classifier", GPTClassifierConfig(**SIZES, classes=4)),
        TEXTS,
    ),
    "bert": (
        "bert",
        Architecture("bert_for_masked_lm", BertConfig(**SIZES)),
        MaskedBatch(IDS, IDS[:, :2], IDS[:, :2], WEIGHTS[:, :2]),
    ),
    "gpt": ("gpt", Architecture("gpt", GPTConfig(**SIZES)), WINDOWS),
    "llama": ("gpt", Architecture("gpt", GPTConfig(**SIZES, **LLAMA)), WINDOWS),
    "seq2seq": (
        "seq2seq",
        Architecture("encoder_decoder", Seq2SeqConfig(**SIZES)),
        Seq2SeqBatch(IDS, IDS == 0, IDS, IDS, WEIGHTS),
    ),
}
OPTIMIZER = Optimizer(clip=0.5)


def weights(architecture: Architecture) -> Any:
    """Names and shapes, as Flax's models take them."""
    model = jax_loop.build_model(architecture)
    return jax.eval_shape(model.init, jax.random.key(0), **jax_loop.smallest_inputs(model))["params"]


def test_every_family_is_here() -> None:
    assert {family for family, _, _ in TRAINED.values()} == set(FAMILIES)


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("name", TRAINED)
def test_every_training_step_lowers_for_accelerators(name: str, platform: str) -> None:
    family, architecture, batch = TRAINED[name]
    params = weights(architecture)
    state = jax.eval_shape(lambda: optimizer.init(params, OPTIMIZER))
    gradient = export.export(jax_loop.gradient, platforms=[platform])(
        params,
        batch,
        jax.random.key(0),
        family=family,
        model=jax_loop.build_model(architecture),
        optimizer=OPTIMIZER,
    )
    rates = optimizer.Rates(*rates_at(0, 10, OPTIMIZER))
    update = export.export(jax_loop.update, platforms=[platform])(
        params, state, params, rates, config=OPTIMIZER
    )
    count = len(flatten_dict(params))
    assert gradient.platforms == update.platforms == (platform,)
    assert "stablehlo.dot_general" in gradient.mlir_module()
    assert len(gradient.out_avals) > count
    assert len(update.out_avals) == 3 * count + 1  # with two moments each, and the norm


@pytest.mark.parametrize("name", TRAINED)
def test_every_training_step_of_pytorch_stays_on_its_device(name: str) -> None:
    """On a device that holds no numbers: a tensor left on the CPU is an error, or shows here."""
    family, architecture, batch = TRAINED[name]
    params = torch_loop.initial_params(architecture, 0)
    with mock.patch.object(torch_loop, "_device", return_value=torch.device("meta")):
        trainer = torch_loop.Trainer(family, architecture, params, lambda step: batch, OPTIMIZER, 2, 0)
        metrics = trainer.step(0)
    moments = [moment for state in trainer._state.values() for moment in state.values()]
    gradients = [parameter.grad for parameter in trainer.model.parameters() if parameter.grad is not None]
    for tensor in (*metrics.values(), *trainer.model.parameters(), *moments, *gradients):
        assert tensor.device.type == "meta"
    assert len(gradients) > 10 and len(moments) == 2 * len(params)


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
@pytest.mark.parametrize("name", ["classifier", "seq2seq"])
def test_evaluation_lowers_for_every_platform(name: str, platform: str) -> None:
    _, architecture, batch = TRAINED[name]
    if isinstance(batch, Seq2SeqBatch):
        inputs, shape = (batch.source, batch.target, batch.source_mask), (4, 8, 31)
    else:
        inputs, shape = (IDS, IDS == 0), (4, 4)
    model = jax_loop.build_model(architecture)
    exported = export.export(jax.jit(model.apply), platforms=[platform])(
        {"params": weights(architecture)}, *inputs
    )
    assert exported.platforms == (platform,)
    (logits,) = exported.out_avals
    assert logits.shape == shape and logits.dtype == jnp.float32


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_generation_lowers_for_every_platform_as_one_program(platform: str) -> None:
    model = GPT(GPTConfig(vocab=31, max_positions=16, embed=16, heads=2, mlp=32, layers=2))

    def text(params, prompts, seed):
        return generate(model.bind(params), prompts, [8, 5, 3, 8], 8, jax.random.key(seed), 0.8, 5, 0.9, (0,))

    ids, seed = jax.ShapeDtypeStruct((4, 8), jnp.int32), jax.ShapeDtypeStruct((), jnp.uint32)
    params = jax.eval_shape(model.init, jax.random.key(0), ids)
    exported = export.export(jax.jit(text), platforms=[platform])(params, ids, seed)
    assert "stablehlo.while" in exported.mlir_module()
    assert [(shape.shape, shape.dtype) for shape in exported.out_avals] == [
        ((4, 16), jnp.int32),
        ((4,), jnp.int32),
    ]
