"""Parts are heard inside jit, scan, remat and vmap, in all kinds of JAX models; what was compiled stays."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen, nnx

from parity_tests.pair import JaxModel, Row, compare

X = np.random.default_rng(0).standard_normal((2, 4))
CALLS = ["layers/up", "layers", "layers/up (2)", "layers (2)", "layers/up (3)", "layers (3)"]
STACKED = (
    Row("layers/up/kernel", "layers.#.up.weight", "layer i o -> layer o i"),
    Row("layers/up/bias", "layers.#.up.bias", "layer o -> layer o"),
)


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.up = torch.nn.Linear(4, 4)

    def forward(self, x):
        return torch.tanh(self.up(x))


class Loop(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.ModuleList(Layer() for _ in range(3))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class LinenLayer(linen.Module):
    wrong_at: int = -1

    @linen.compact
    def __call__(self, x, number):
        scale = jnp.where(number == self.wrong_at, 1.001, 1.0)
        return jnp.tanh(scale * linen.Dense(4, name="up")(x)), None


class LinenScan(linen.Module):
    remat: bool = False
    wrong_at: int = -1

    @linen.compact
    def __call__(self, x):
        layer = linen.remat(LinenLayer) if self.remat else LinenLayer
        layers = linen.scan(layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
        return layers(self.wrong_at, name="layers")(x, jnp.arange(3))[0]


class NnxLayer(nnx.Module):
    def __init__(self, rngs):
        self.up = nnx.Linear(4, 4, rngs=rngs)

    def __call__(self, x):
        return jnp.tanh(self.up(x))


class NnxScan(nnx.Module):
    def __init__(self, remat=False):
        make = nnx.split_rngs(splits=3)(nnx.vmap(NnxLayer, in_axes=(0,), out_axes=0))
        self.layers, self.remat = make(nnx.Rngs(0)), remat

    def __call__(self, x):
        def layer(x, one):
            return one(x)

        body = nnx.remat(layer) if self.remat else layer
        run = nnx.scan(body, in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)
        return nnx.jit(lambda model, x: run(x, model.layers))(self, x)


@partial(jax.tree_util.register_dataclass, data_fields=["kernel", "bias"], meta_fields=[])
@dataclass
class TreeLinear:
    """A callable pytree, as Equinox has them."""

    kernel: Any
    bias: Any

    def __call__(self, x):
        return x @ self.kernel + self.bias


@partial(jax.tree_util.register_dataclass, data_fields=["up"], meta_fields=[])
@dataclass
class TreeLayer:
    up: TreeLinear

    def __call__(self, x):
        return jnp.tanh(self.up(x))


@partial(jax.tree_util.register_dataclass, data_fields=["layers"], meta_fields=["remat"])
@dataclass
class TreeScan:
    layers: TreeLayer
    remat: bool = False

    def __call__(self, x):
        def body(x, layer):
            return layer(x), None

        return jax.lax.scan(jax.checkpoint(body) if self.remat else body, x, self.layers)[0]


def tree_scan(remat=False):
    return TreeScan(TreeLayer(TreeLinear(jnp.zeros((3, 4, 4)), jnp.zeros((3, 4)))), remat)


MODELS = {"linen": LinenScan, "nnx": NnxScan, "tree": tree_scan}


@pytest.mark.parametrize("remat", [False, True], ids=["scan", "remat"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_scan_is_held_against_a_loop_layer_by_layer(kind, remat):
    for bound in (None, 1e-30):  # the second makes it fail, so that each layer goes on with what it is told
        comparison = compare(Loop(), MODELS[kind](remat), {"x": X}, STACKED, bound=bound)
        assert comparison.passed is (bound is None)
        taps = [check.name for check in comparison.checks if check.kind == "tap"]
        assert taps == [f"layers.{n}{part}" for n in range(3) for part in (".up", "")]
        assert comparison.taps.alone == {"reference": [], "candidate": []}
    assert max(tap.isolated for tap in comparison.isolations[0].tap_errors) < 1e-14
    gradients = [check.name for check in comparison.checks if check.kind == "parameter gradient"]
    assert len(gradients) == 6


@pytest.mark.parametrize("remat", [False, True], ids=["scan", "remat"])
def test_a_mistake_in_one_layer_of_a_scan_is_found_there(remat):
    comparison = compare(Loop(), LinenScan(remat, wrong_at=1), {"x": X}, STACKED)
    verdicts = {tap.name: tap.verdict for tap in comparison.isolations[0].tap_errors}
    assert [name for name, verdict in verdicts.items() if verdict == "diverges"] == ["layers.1"]
    assert verdicts["layers.0"] == verdicts["layers.1.up"] == "matches"


def test_a_function_that_was_compiled_is_heard_and_stays_compiled():
    x = X.astype(np.float32)
    params = LinenScan(remat=True).init(jax.random.key(0), x)["params"]
    traced = []

    @jax.jit
    def model(params, x):
        traced.append(1)
        return LinenScan(remat=True).apply({"params": params}, x)

    before = model(params, x)
    side = JaxModel(model, params)
    trace = side.run(side.weights(), {"x": X}, "float64")
    assert list(trace.arrays["tap"]) == CALLS
    compiled, traces = model._cache_size(), len(traced)
    assert compiled == 1
    np.testing.assert_array_equal(model(params, x), before)
    assert (model._cache_size(), len(traced)) == (compiled, traces)


def test_what_remat_remembers_is_heard_again_and_told_to_nobody_else():
    layer = jax.checkpoint(lambda params, x: linen.Dense(4, name="up").apply({"params": params}, x))
    params = linen.Dense(4).init(jax.random.key(0), X.astype(np.float32))["params"]

    class Named(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.remat(linen.Dense)(4, name="up")(x)

    side = JaxModel(Named(), {"up": params})
    for _ in range(2):
        assert list(side.run(side.weights(), {"x": X}, "float64").arrays["tap"]) == ["up"]
    with jax.disable_jit():
        np.testing.assert_allclose(
            layer(params, X.astype(np.float32)), linen.Dense(4).apply({"params": params}, X)
        )


def test_under_vmap_the_mapped_axis_comes_first():
    class Mapped(linen.Module):
        @linen.compact
        def __call__(self, x):
            dense = linen.vmap(
                linen.Dense,
                variable_axes={"params": None},
                split_rngs={"params": False},
                in_axes=1,
                out_axes=1,
            )
            return dense(4, name="up")(x)

    images = np.random.default_rng(0).standard_normal((2, 3, 4))
    module = torch.nn.Sequential()
    module.add_module("up", torch.nn.Linear(4, 4))
    dense = (Row("up/kernel", "up.weight", "i o -> o i"), Row("up/bias", "up.bias", "o -> o"))
    comparison = compare(module, JaxModel(Mapped(), call=lambda m, input: m(input)), {"input": images}, dense)
    assert comparison.passed
    assert [check.name for check in comparison.checks if check.kind == "tap"] == ["up"]
    assert comparison.taps.turned == {"up": "a b c -> b a c"}


def test_a_loop_of_unknown_length_runs_op_by_op_and_has_gradients():
    class Looping(linen.Module):
        @linen.compact
        def __call__(self, x):
            y = linen.Dense(4, name="l")(x)
            return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.tanh(c[1])), (0, y))[1]

    class Thrice(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.l = torch.nn.Linear(4, 4)

        def forward(self, x):
            return self.l(x).tanh().tanh().tanh()

    torch.manual_seed(0)
    x = {"x": np.random.default_rng(0).standard_normal((3, 4))}
    comparison = compare(Thrice(), Looping(), x)
    assert comparison.passed, comparison


def test_a_model_that_was_changed_between_two_comparisons_is_run_as_it_is():
    class Normed(nnx.Module):
        def __init__(self):
            self.norm = nnx.LayerNorm(4, epsilon=1e-6, rngs=nnx.Rngs(0))

        def __call__(self, x):
            return self.norm(x)

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = torch.nn.LayerNorm(4)

        def forward(self, x):
            return self.norm(x)

    x = {"x": np.random.default_rng(1).standard_normal((3, 4))}
    model = Normed()
    side = JaxModel(model)
    assert not compare(Theirs(), side, x).passed
    model.norm.epsilon = 1e-5
    assert compare(Theirs(), side, x).passed
