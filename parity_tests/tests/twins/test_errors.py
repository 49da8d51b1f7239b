"""Mistakes in the arguments are refused in both frameworks, in the same words, with the values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity_tests.twins.registry import MODELS, PARTS
from torch_impl import random
from torch_impl.initializers import initialise

pytestmark = pytest.mark.usefixtures("unchecked")

X = {"x": np.zeros((1, 3, 6), np.float32)}
IDS = {"ids": np.zeros((1, 5), np.int32)}
BLOCK = {"embed": 6, "heads": 2, "mlp": 8}
EMBEDDING = {"vocab": 3, "max_positions": 4, "embed": 6}
ATTENTION = {"embed": 6, "heads": 2}


def attended(x=(2, 3, 6), context=(2, 5, 6), mask=None):
    arrays = {"x": np.zeros(x, np.float32), "context": np.zeros(context, np.float32)}
    return arrays if mask is None else arrays | {"mask": np.ones(mask, bool)}


def run(package, pair, arguments, inputs):
    module = pair.build(package, arguments)
    if package == "jax_impl":
        arrays = {name: jnp.asarray(array) for name, array in inputs.items()}
        jax.eval_shape(lambda arrays: module.init(jax.random.key(0), **arrays), arrays)
    else:
        initialise(module, random.key(0))
        module(**{name: torch.tensor(array) for name, array in inputs.items()})


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
@pytest.mark.parametrize(
    "name, arguments, inputs, words",
    [
        ("TransformerBlock", BLOCK | {"heads": 4}, X, "heads=4 does not divide embed=6"),
        ("TransformerBlock", BLOCK | {"kv_heads": 4}, X, "kv_heads=4 does not divide heads=2"),
        ("TransformerBlock", BLOCK | {"norm": "none"}, X, "norm='none': choose one of 'layer', 'rms'"),
        (
            "TransformerBlock",
            BLOCK | {"norm_position": "no"},
            X,
            r"norm_position='no': choose .*'post'",
        ),
        ("TransformerBlock", BLOCK | {"mlp": 0}, X, "mlp=0: give a whole number, 1 or more"),
        ("TransformerBlock", BLOCK | {"dropout": float("nan")}, X, "dropout=nan: give a share"),
        ("TransformerBlock", BLOCK | {"eps": float("inf")}, X, "eps=inf: give a number above 0"),
        (
            "TransformerBlock",
            BLOCK | {"activation": "swish"},
            X,
            "activation='swish': choose one of .*'gelu_tanh'",
        ),
        (
            "TokenPositionEmbedding",
            EMBEDDING | {"position_encoding": "alibi"},
            IDS,
            "position_encoding='alibi': choose one of 'learned'",
        ),
        ("TokenPositionEmbedding", EMBEDDING, IDS, "5 tokens in a row, .* max_positions=4"),
        (
            "TokenPositionEmbedding",
            {"vocab": 3, "max_positions": 8, "embed": 5, "position_encoding": "sinusoidal"},
            IDS,
            "embed=5: sinusoidal positions pair sines with cosines",
        ),
        (
            "TokenPositionEmbedding",
            EMBEDDING,
            {"ids": np.zeros(5, np.int32)},
            r"ids has shape \(5,\): give 2 axes, \(batch, position\)",
        ),
        (
            "MultiHeadAttention",
            ATTENTION,
            attended(context=(1, 5, 6)),
            r"context of shape \(1, 5, 6\) has batch 1, but x has batch 2",
        ),
        ("MultiHeadAttention", ATTENTION, attended(x=(2, 3, 7)), "embed 7, but the model has embed 6"),
        (
            "MultiHeadAttention",
            ATTENTION,
            attended(mask=(2, 1, 1, 4)),
            r"mask .* has key 4, but",
        ),
        ("MultiHeadAttention", ATTENTION, attended(mask=(3, 1, 1, 5)), "mask .* has batch 3, but"),
        (
            "FeedForward",
            {"embed": 6, "mlp": 8},
            {"x": np.zeros((1, 3, 5), np.float32)},
            "embed 5, but",
        ),
        (
            "SegmentEmbedding",
            EMBEDDING | BLOCK | {"layers": 1},
            {"ids": np.zeros((2, 4), np.int32), "segment_ids": np.zeros((2, 3), np.int32)},
            "segment_ids .* has position 3, but ids has position 4",
        ),
    ],
)
def test_a_wrong_argument_is_refused_with_its_value(package, name, arguments, inputs, words):
    with pytest.raises(ValueError, match=words):
        run(package, PARTS[name], arguments, inputs)


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
@pytest.mark.parametrize("name", ["classifier", "bert_classifier", "gpt"])
def test_a_model_refuses_a_mask_of_another_batch(package, name):
    sizes = BLOCK | EMBEDDING | {"layers": 1} | ({"classes": 2} if "classifier" in name else {})
    inputs = {"ids": np.zeros((2, 4), np.int32), "mask": np.ones((1, 4), bool)}
    with pytest.raises(ValueError, match=r"mask .* has batch 1, but ids has batch 2"):
        run(package, MODELS[name], sizes, inputs)


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
def test_right_arguments_are_not_refused(package):
    run(package, PARTS["TransformerBlock"], BLOCK, X)
    run(package, PARTS["TransformerBlock"], BLOCK | {"heads": 4, "head_dim": 2, "kv_heads": 1}, X)
    run(package, PARTS["TokenPositionEmbedding"], EMBEDDING | {"max_positions": 5}, IDS)
    run(package, PARTS["MultiHeadAttention"], ATTENTION, attended(mask=(1, 1, 3, 5)))
