"""Every twin agrees, in evaluation and in training, and the comparison looks at everything."""

import inspect
from functools import partial
from importlib import import_module
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import torch_impl
from parity_tests.core.trace import KINDS
from parity_tests.runners.calls import takes_taps
from parity_tests.twins.catalogue import TWINS
from parity_tests.twins.check import TRAINING, check_twin, find_twins
from parity_tests.twins.inputs import BATCH, CLASSES, CONTEXT, EMBED, HEADS, MLP, POSITION, VOCAB
from parity_tests.twins.models import GROUPED_HEADS, KV_HEADS, MASKED
from parity_tests.twins.names import NAMES, UnknownTwin
from parity_tests.twins.run import initial_params
from torch_impl import random
from torch_impl.initializers import initialise

PACKED = (3, 5)  # rows, and the texts that share them
READ = MASKED + 1  # positions that the heads of pretraining read
SIZES = {
    "batch": {BATCH, *PACKED},
    "heads": {HEADS, GROUPED_HEADS, KV_HEADS},
    "query": {POSITION, CONTEXT, READ},
    "key": {POSITION, CONTEXT},
    "position": {POSITION, CONTEXT, READ},
    "embed": {EMBED},
    "head_dim": {4, 6, EMBED // HEADS},
    "mlp": {MLP},
    "classes": {CLASSES, 2},
    "masked": {MASKED, POSITION},
    "vocab": {VOCAB},
}
TAPPED = [twin for twin in TWINS if takes_taps(twin.build("torch_impl"))]


def is_quick(twin):
    """The smaller parts once, and one model; `make proof` compares all in float32 and bfloat16."""
    again = twin.pair in [other.pair for other in TWINS[: TWINS.index(twin)]]
    return twin.name == "gpt1" or not (twin.whole_model or again or "Block" in twin.pair.jax.__name__)


FULLY = [("float64", twin) for twin in TWINS]
FULLY += [pytest.param("float32", twin, marks=[] if is_quick(twin) else pytest.mark.slow) for twin in TWINS]


@pytest.mark.parametrize(("dtype", "twin"), FULLY, ids=lambda given: getattr(given, "name", given))
def test_the_twins_agree(dtype, twin):
    checks = check_twin(twin, dtype)
    assert [check for check in checks if not check.passed] == []
    models = {twin.name, twin.name + TRAINING} if twin.has_dropout else {twin.name}
    assert {check.model for check in checks} == models
    assert {check.dtype for check in checks} == {dtype}
    for model in models:
        seen = {check for check in KINDS if any(r.model == model and r.kind == check for r in checks)}
        assert seen == expected_checks(twin)


def expected_checks(twin):
    """The kinds of check that make sense: taps and gradients where a twin has such."""
    inputs = twin.inputs(np.random.default_rng(0))
    return {
        "forward",
        *(["tap"] if twin in TAPPED else []),
        *(["input gradient"] if any(array.dtype == np.float64 for array in inputs.values()) else []),
        *(["parameter gradient"] if initial_params(twin, inputs, 0) else []),
    }


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("twin", list(filter(is_quick, TWINS)), ids=lambda twin: twin.name)
def test_the_twins_are_as_exact_as_each_other_in_bfloat16(twin):
    checks = check_twin(twin, "bfloat16")
    assert [check for check in checks if not check.passed] == []
    if twin.pair.jax.__module__ != "jax_impl.masks":
        assert max(check.max_rel_error for check in checks) > 1e-5  # it was bfloat16


def test_float32_and_bfloat16_are_held_against_float64_too():
    (twin,) = find_twins("layer_norm")
    for dtype, least, most in (("float32", 1e-9, 1e-6), ("bfloat16", 1e-4, 1e-2)):
        for check in check_twin(twin, dtype):
            assert least < check.jax_from_float64 < most
            assert least < check.torch_from_float64 < most


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("attention_padded", "attention"),
        ("layer_norm", "layers"),
        ("rms_norm", "layers"),
        ("gelu_tanh", "layers"),
        ("weighted_cross_entropy", "losses"),
    ],
)
def test_one_twin_with_no_float32_inside_fails_in_bfloat16(name, file, monkeypatch):
    """Softmax, statistics and sums in bfloat16, injected in PyTorch."""
    (twin,) = find_twins(name)
    monkeypatch.setattr(import_module(f"torch_impl.{file}"), "at_least_float32", lambda x: x)
    failed = [check for check in check_twin(twin, "bfloat16") if not check.passed]
    assert "input gradient" in {check.kind for check in failed}
    assert all(check.torch_from_float64 > check.jax_from_float64 for check in failed)


def jax_taps(twin):
    """Names, axes and shapes in the order of execution; shapes alone are computed."""
    taps = []

    def tap(name, value, axes):
        taps.append((name, axes, value.shape))
        return value

    inputs = {name: jnp.asarray(array) for name, array in twin.inputs(np.random.default_rng(0)).items()}
    module = twin.build("jax_impl")
    call = module if isinstance(module, partial) else partial(module.init, jax.random.key(0))
    jax.eval_shape(lambda inputs: call(**inputs, tap=tap), inputs)
    return taps


def torch_taps(twin):
    taps = []

    def tap(name, value, axes):
        taps.append((name, axes, tuple(value.shape)))
        return value

    inputs = {name: torch.tensor(array) for name, array in twin.inputs(np.random.default_rng(0)).items()}
    module = twin.build("torch_impl")
    if isinstance(module, torch.nn.Module):
        initialise(module.double(), random.key(0))
        module.float()
        inputs = {n: array.float() if array.dtype == torch.float64 else array for n, array in inputs.items()}
    module(**inputs, tap=tap)
    return taps


@pytest.mark.parametrize("twin", TAPPED, ids=lambda twin: twin.name)
def test_the_taps_have_the_same_names_axes_and_order(twin):
    taps = torch_taps(twin)
    assert taps == jax_taps(twin)
    assert len({name for name, _, _ in taps}) == len(taps) > 0
    for name, axes, shape in taps:
        words = axes.split()
        assert len(words) == len(shape), name
        for word, size in zip(words, shape, strict=True):
            assert size in SIZES[word], (name, axes, shape)


def test_the_classifier_is_tapped_everywhere():
    (twin,) = find_twins("classifier")
    inner = ("query", "key", "value", "scores", "weights", "heads_output", "output")
    block = [
        "attention_norm",
        *(f"attention/{name}" for name in inner),
        "feed_forward_norm",
        *(f"feed_forward/{name}" for name in ("hidden", "active", "output")),
        "output",
    ]
    assert [name for name, _, _ in torch_taps(twin)] == [
        *(f"embeddings/{name}" for name in ("tokens", "places", "output")),
        *(f"blocks.{number}/{name}" for number in range(2) for name in block),
        "final_norm",
        "pooled",
        "logits",
    ]


def test_every_public_module_has_a_twin():
    inside = {
        "Linear",
        "LayerNorm",
        "Embedding",
        "InProjection",
        "OutProjection",
        "RMSNorm",
    }  # parts of those that have
    modules = {
        value
        for path in Path(torch_impl.__file__).parent.glob("*.py")
        for name, value in vars(import_module(f"torch_impl.{path.stem}")).items()
        if inspect.isclass(value) and value.__module__ == f"torch_impl.{path.stem}"
        if issubclass(value, torch.nn.Module) and name not in inside
    }
    assert modules == {twin.pair.torch for twin in TWINS if twin.pair.torch in modules}
    assert len(modules) >= 6


def test_a_tap_intervenes():
    """What a tap returns is what the model goes on with, in both frameworks."""
    (twin,) = find_twins("block_pre")
    inputs = twin.inputs(np.random.default_rng(0))

    def silence(name, value, axes):
        return value * 0 if name in ("attention/output", "feed_forward/output") else value

    model = twin.build("torch_impl")
    initialise(model, random.key(0))
    x = torch.tensor(inputs["x"]).float()
    assert torch.equal(model(x, torch.tensor(inputs["mask"]), tap=silence), x)
    module = twin.build("jax_impl")
    jax_x = jnp.asarray(inputs["x"], jnp.float32)
    output, _ = module.init_with_output(jax.random.key(0), jax_x, jnp.asarray(inputs["mask"]), tap=silence)
    np.testing.assert_array_equal(np.asarray(output), np.asarray(jax_x))


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownTwin, match=r"no model or block 'clasifier': did you mean classifier"):
        find_twins("clasifier")
    assert find_twins("all") == list(TWINS)


def test_the_names_that_are_known_without_a_framework_are_those_of_the_twins():
    assert tuple(twin.name for twin in TWINS) == NAMES
