"""One seed gives both twins the same initial weights, from the distributions that they declare."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax.traverse_util import flatten_dict

from parity_tests.twins import TWINS
from torch_impl import convert, random
from torch_impl.classifier import TextClassifier
from torch_impl.initial import initialise

MODULES = [twin for twin in TWINS if isinstance(twin.build("torch_impl"), torch.nn.Module)]


def flax_initial(twin, seed):
    inputs = {name: jnp.asarray(a) for name, a in twin.inputs(np.random.default_rng(0)).items()}
    return flatten_dict(twin.build("jax_impl").init(jax.random.key(seed), **inputs)["params"], sep="/")


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


@pytest.fixture(scope="module")
def weights():
    """A classifier large enough for its weights' moments to be told."""
    model = TextClassifier(vocab=500, classes=50, positions=300, embed=96, heads=4, mlp=200, layers=2)
    initialise(model, random.key(0))
    return convert.save(model)


def test_every_parameter_has_its_distribution(weights):
    """Glorot and Bengio 2010, eq. 16, for matrices; a standard deviation of 0.02 for embeddings."""
    xavier = {"query": 96 + 96, "output": 96 + 96, "up": 96 + 200, "down": 200 + 96, "head": 96 + 50}
    for name, array in weights.items():
        *_, module, leaf = name.split("/")
        if leaf == "bias":
            assert not array.any(), name
        elif leaf == "scale":
            assert (array == 1).all(), name
        else:
            fans = xavier.get({"key": "query", "value": "query"}.get(module, module))
            bound = math.sqrt(6 / fans) if fans else 0.02 * math.sqrt(3)
            assert 0.99 * bound < np.abs(array).max() <= bound * (1 + 1e-6), name
            deviation = bound / math.sqrt(3)
            assert abs(array.mean()) < 4 * deviation / math.sqrt(array.size), name
            assert array.std() == pytest.approx(deviation, rel=0.02), name


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
