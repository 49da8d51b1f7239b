"""One seed gives both twins the same initial weights, from the distributions that they declare."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax.traverse_util import flatten_dict

from parity_tests.twins.catalogue import TWINS
from torch_impl import convert, random
from torch_impl.bert import BertPretraining
from torch_impl.classifier import TextClassifier
from torch_impl.config import BertConfig, ClassifierConfig, GPTConfig
from torch_impl.gpt import GPT
from torch_impl.initializers import initialise

MODULES = [twin for twin in TWINS if isinstance(twin.build("torch_impl"), torch.nn.Module)]


def flax_initial(twin, seed):
    inputs = {name: jnp.asarray(a) for name, a in twin.inputs(np.random.default_rng(0)).items()}
    return flatten_dict(
        jax.jit(twin.build("jax_impl").init)(jax.random.key(seed), **inputs)["params"], sep="/"
    )


@pytest.mark.usefixtures("unchecked")  # the twins are checked as they run
@pytest.mark.parametrize("twin", MODULES, ids=lambda twin: twin.name)
def test_one_seed_gives_both_frameworks_the_same_weights_to_the_bit(twin):
    expected = {name: np.asarray(array) for name, array in flax_initial(twin, 5).items()}
    model = twin.build("torch_impl")
    initialise(model, random.key(5))
    drawn = convert.save(model)
    assert set(drawn) == set(expected)
    for name, array in expected.items():
        assert drawn[name].dtype == array.dtype == np.float32
        np.testing.assert_array_equal(drawn[name], array, err_msg=name)


# Large enough for the moments of the weights to be told.
SIZES = {"vocab": 500, "max_positions": 300, "embed": 96, "heads": 4, "mlp": 200, "layers": 2}
MODELS = {
    "classifier": lambda: TextClassifier(ClassifierConfig(classes=50, **SIZES)),
    "bert": lambda: BertPretraining(BertConfig(**SIZES)),
    "gpt": lambda: GPT(GPTConfig(tied=False, **SIZES)),
}
# Inputs and outputs of the classifier's matrices.
FANS = {
    "query": 96 + 96,
    "key": 96 + 96,
    "value": 96 + 96,
    "output": 96 + 96,
    "up": 96 + 200,
    "down": 200 + 96,
    "head": 96 + 50,
}


def deviation(model, module):
    """Glorot and Bengio 2010, eq. 16, in the classifier; 0.02 in embeddings and in the other models.

    GPT-2 divides that of the matrices whose output is added to x by the root of their number (Radford et
    al. 2019, section 2.3).
    """
    if model == "classifier" and module in FANS:
        return math.sqrt(2 / FANS[module])
    if model == "gpt" and module in ("output", "down"):
        return 0.02 / math.sqrt(2 * SIZES["layers"])
    return 0.02


def drawn_weights(model):
    built = MODELS[model]()
    initialise(built, random.key(0))
    return convert.save(built)


@pytest.fixture(scope="module")
def weights():
    return drawn_weights("classifier")


@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_has_its_distribution(model):
    kinds = set()
    for name, array in drawn_weights(model).items():
        *_, module, leaf = name.split("/")
        kinds.add(leaf)
        if leaf.endswith("bias"):
            assert not array.any(), name
        elif leaf == "scale":
            assert (array == 1).all(), name
        else:
            std = deviation(model, module)
            bound = std * math.sqrt(3)
            # Of n uniform numbers one is nearer to the bound than 8 n-ths of it, but once in e^8 times.
            assert 1 - 8 / array.size < np.abs(array).max() / bound, name
            assert np.abs(array).max() <= np.float32(bound), name
            wide = array.astype(np.float64)
            # The fourth moment of a uniform number is 9/5 of the square of its variance.
            assert abs(wide.mean()) < 4 * std / math.sqrt(array.size), name
            assert abs(wide.std() - std) < 4 * std * math.sqrt(0.8 / array.size) / 2, name
    assert {"kernel", "embedding", "bias", "scale"} <= kinds


def test_no_two_parameters_are_drawn_alike(weights):
    drawn = [a.ravel()[:100] for name, a in weights.items() if name.endswith(("kernel", "embedding"))]
    assert len({a.tobytes() for a in drawn}) == len(drawn) == 15
    # Equal bits scaled by different bounds would still be perfectly correlated.
    correlations = np.corrcoef(np.stack(drawn)) - np.eye(len(drawn))
    assert np.abs(correlations).max() < 0.5


def test_another_seed_gives_other_weights(weights):
    model = MODULES[-1].build("torch_impl")
    seeds = []
    for seed in (0, 1):
        initialise(model, random.key(seed))
        seeds.append(convert.save(model)["head/kernel"].tobytes())
    assert seeds[0] != seeds[1]


@pytest.mark.parametrize("twin", MODULES, ids=lambda twin: twin.name)
def test_a_forgotten_weight_shows_as_nan(twin):
    for name, tensor in twin.build("torch_impl").named_parameters():
        assert tensor.isnan().all(), name
