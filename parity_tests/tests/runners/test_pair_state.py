"""A pair's models that do more than compute: they write in place, keep state, and read global settings."""

from contextlib import nullcontext
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen, nnx

from parity_tests.pair import JaxModel, Row, compare
from parity_tests.runners.arrays import numbers

X = np.random.default_rng(0).standard_normal((5, 4))
INPUTS = {"x": X}
ROWS = (Row("*/kernel", "*.weight", "i o -> o i"), Row("*/bias", "*.bias", "o -> o"))


class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)

    def forward(self, x):
        return self.two(torch.relu(self.one(x)))


class Linen(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(4, name="two")(jax.nn.relu(linen.Dense(4, name="one")(x)))


class InPlace(Torch):
    def __init__(self):
        super().__init__()
        self.relu = torch.nn.ReLU(inplace=True)

    def forward(self, x):
        x *= 1.0
        return self.two(self.relu(self.one(x)))


class KeepsActivation(Torch):
    """As one does to look at attention weights afterwards."""

    def forward(self, x):
        self.kept = SimpleNamespace(hidden=[torch.relu(self.one(x))])
        return self.two(self.kept.hidden[0])


def taps(comparison):
    return [check.name for check in comparison.checks if check.kind == "tap"]


def test_pytorch_may_write_in_place():
    params = jax.jit(Linen().init)(jax.random.key(0), X.astype(np.float32))["params"]
    for pair in ((InPlace(), Linen()), (JaxModel(Linen(), params), InPlace())):
        comparison = compare(*pair, INPUTS, ROWS)
        assert comparison.passed, comparison
        assert taps(comparison) == ["one", "two"]


@pytest.mark.parametrize("array", [torch.zeros(2, dtype=torch.float64), np.zeros(2)], ids=["torch", "numpy"])
def test_numbers_are_a_copy(array):
    copied = numbers(array)
    array += 1
    np.testing.assert_array_equal(copied, 0)


def test_a_module_that_kept_an_activation_is_copied():
    module = KeepsActivation()
    module(torch.tensor(X, dtype=torch.float32))
    hidden = module.kept.hidden[0]
    assert compare(module, Linen(), INPUTS, ROWS).passed
    assert module.kept.hidden[0] is hidden and hidden.grad_fn is not None


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, nullcontext])
def test_gradients_are_taken_whatever_the_caller_has_set(context):
    module = Torch()
    with context():
        comparison = compare(module, Linen(), INPUTS, ROWS)
    assert comparison.passed and comparison.reference.arrays["parameter gradient"]["one.weight"].any()


class TorchSines(Torch):
    def forward(self, x):
        sines = torch.sin(torch.arange(4) * torch.exp(torch.arange(4) * -0.3))
        return super().forward((x + sines) @ torch.eye(4))


class LinenSines(Linen):
    def __call__(self, x):
        sines = jnp.sin(jnp.arange(4) * jnp.exp(jnp.arange(4) * -0.3))
        return super().__call__((x + sines) @ jnp.eye(4))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_a_model_makes_without_a_dtype_has_that_of_the_run(dtype):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        assert compare(TorchSines(), LinenSines(), INPUTS, ROWS, dtype=dtype).passed


def test_pytorchs_default_dtype_is_restored_after_an_error():
    class Failing(Torch):
        def forward(self, x):
            assert torch.get_default_dtype() == torch.float64
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        compare(Failing(), Linen(), INPUTS, ROWS)
    assert torch.get_default_dtype() == torch.float32


class Cache(nnx.Variable):
    pass


class NnxWithState(nnx.Module):
    """Counts its calls, keeps an activation and draws a key."""

    def __init__(self):
        self.rngs = nnx.Rngs(0)
        self.one, self.two = (nnx.Linear(4, 4, rngs=self.rngs) for _ in range(2))
        self.calls, self.hidden = Cache(jnp.zeros((), jnp.int32)), Cache(jnp.zeros((5, 4)))

    def __call__(self, x):
        self.calls[...] += 1
        self.rngs.noise()
        self.hidden.set_value(jax.nn.relu(self.one(x)))
        return self.two(self.hidden.get_value())


class NnxJitted(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.one, self.two = (nnx.Linear(4, 4, rngs=rngs) for _ in range(2))
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    @nnx.jit
    def __call__(self, x):
        return self.two(self.drop(jax.nn.relu(self.one(x))))


@pytest.mark.parametrize("kind", [NnxWithState, NnxJitted])
def test_an_nnx_model_may_write_its_variables(kind):
    model = kind()
    before = jax.tree.map(np.asarray, nnx.to_pure_dict(nnx.state(model, nnx.Not(nnx.RngKey))))
    for pair in ((model, Torch()), (Torch(), model)):
        comparison = compare(*pair, INPUTS, ROWS)
        assert comparison.passed, comparison
    after = nnx.to_pure_dict(nnx.state(model, nnx.Not(nnx.RngKey)))
    jax.tree.map(np.testing.assert_array_equal, before, after)


class TorchNorm(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.norm = torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4)

    def forward(self, x):
        return self.norm(self.one(x))


class LinenNorm(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.Dense(4, name="one")(x)
        return linen.BatchNorm(use_running_average=True, epsilon=1e-5, name="norm")(x)


NORM_ROWS = (
    Row("one/kernel", "one.weight", "i o -> o i"),
    Row("norm/scale", "norm.weight", "o -> o"),
    Row("*/bias", "*.bias", "o -> o"),
)


def test_linens_running_statistics_are_those_of_init_or_as_given():
    module = TorchNorm()
    assert compare(module, LinenNorm(), INPUTS, NORM_ROWS).passed
    module.norm.running_mean.uniform_()
    module.norm.running_var.uniform_(1, 2)
    assert not compare(module, LinenNorm(), INPUTS, NORM_ROWS).passed
    variables = LinenNorm().init(jax.random.key(0), X.astype(np.float32))
    state = {name: getattr(module.norm, f"running_{name}").numpy() for name in ("mean", "var")}
    model = JaxModel(LinenNorm(), {**variables, "batch_stats": {"norm": state}})
    for dtype in ("float64", "float32"):
        for pair in ((module, model), (model, module)):
            comparison = compare(*pair, INPUTS, NORM_ROWS, dtype=dtype)
            assert comparison.passed, comparison


def test_params_may_be_given_with_or_without_their_collection():
    variables = jax.jit(Linen().init)(jax.random.key(0), X.astype(np.float32))
    for params in (variables, variables["params"]):
        assert [*JaxModel(Linen(), params).weights()] == ["one/bias", "one/kernel", "two/bias", "two/kernel"]
