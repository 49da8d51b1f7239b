"""Mistakes in the arguments are refused in both frameworks, in the same words, with the values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity_tests.twins.inputs import Twin
from torch_impl import random
from torch_impl.initializers import initialise

X = {"x": np.zeros((1, 3, 6), np.float32)}
IDS = {"ids": np.zeros((1, 5), np.int32)}
BLOCK = {"embed": 6, "heads": 2, "mlp": 8}
EMBEDDING = {"vocab": 3, "positions": 4, "embed": 6}


def run(package, target, arguments, inputs):
    module = Twin("tried", target, lambda rng: inputs, arguments).build(package)
    if package == "jax_impl":
        arrays = {name: jnp.asarray(array) for name, array in inputs.items()}
        jax.eval_shape(lambda arrays: module.init(jax.random.key(0), **arrays), arrays)
    else:
        initialise(module, random.key(0))
        module(**{name: torch.tensor(array) for name, array in inputs.items()})


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
@pytest.mark.parametrize(
    "target, arguments, inputs, words",
    [
        ("block.TransformerBlock", BLOCK | {"heads": 4}, X, "heads=4 does not divide embed=6"),
        ("block.TransformerBlock", BLOCK | {"norm": "none"}, X, "norm='none': choose 'pre' or 'post'"),
        (
            "block.TransformerBlock",
            BLOCK | {"activation": "swish"},
            X,
            "activation='swish': choose one of .*'gelu_tanh'",
        ),
        ("embeddings.TokenPositionEmbedding", EMBEDDING | {"position": "rotary"}, IDS, "position='rotary'"),
        ("embeddings.TokenPositionEmbedding", EMBEDDING, IDS, "5 tokens in a row, .* positions=4"),
        (
            "embeddings.TokenPositionEmbedding",
            {"vocab": 3, "positions": 8, "embed": 5, "position": "sinusoidal"},
            IDS,
            "embed=5 must be even",
        ),
    ],
    ids=["heads", "norm", "activation", "position", "too long", "odd embed"],
)
def test_a_wrong_argument_is_refused_with_its_value(package, target, arguments, inputs, words):
    with pytest.raises(ValueError, match=words):
        run(package, target, arguments, inputs)


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
def test_right_arguments_are_not_refused(package):
    run(package, "block.TransformerBlock", BLOCK, X)
    run(package, "embeddings.TokenPositionEmbedding", EMBEDDING | {"positions": 5}, IDS)
