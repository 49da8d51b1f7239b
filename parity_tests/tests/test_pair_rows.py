"""Rows that change values, say lengths, and tables between two models of one framework."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen, nnx
from torch import nn
from torch.nn import functional as F

from parity_tests.pair import JaxModel, Row, TorchModel, compare

RNG = np.random.default_rng(0)
X = {"x": RNG.standard_normal((4, 5))}
LINEAR = tuple(Row(f"{name}/kernel", f"{name}.weight", "i o -> o i") for name in ("fc", "out"))
BIAS = Row("*/bias", "*.bias", "o -> o")


def noisy(module):
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


class Distance(nn.Module):
    """A norm that keeps its weight as the distance from one, as Gemma's."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * (1 + self.weight)


class TorchNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.norm, self.out = nn.Linear(5, 8), Distance(), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.norm(self.fc(x)))


class LinenNorm(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.RMSNorm(1e-6, name="norm")(linen.Dense(8, name="fc")(x))
        return linen.Dense(3, name="out")(x)


def norm_row(change):
    return Row("norm/scale", "norm.weight", "e -> e", change)


def test_a_row_that_adds_one_keeps_taps_and_gradients():
    comparison = compare(noisy(TorchNorm()), LinenNorm(), X, (norm_row(lambda w: w + 1), BIAS, *LINEAR))
    assert comparison.passed
    assert {check.name for check in comparison.checks if check.kind == "tap"} == {"fc", "norm", "out"}
    assert "norm.weight" in [check.name for check in comparison.checks if check.kind == "parameter gradient"]


@pytest.mark.parametrize("change", [None, lambda w: w + 2, lambda w: 1 - w])
def test_another_change_parts_at_the_norm(change):
    comparison = compare(noisy(TorchNorm()), LinenNorm(), X, (norm_row(change), BIAS, *LINEAR))
    first = next(check for check in comparison.checks if check.kind == "tap" and not check.passed)
    assert first.name == "norm"


def test_the_candidate_may_be_pytorchs():
    params = jax.tree.map(lambda w: w + 0.2, LinenNorm().init(jax.random.key(0), X["x"])["params"])
    table = (norm_row(lambda w: w - 1), BIAS, *LINEAR)
    comparison = compare(JaxModel(LinenNorm(), params), TorchNorm(), X, table)
    assert comparison.passed
    assert "norm/scale" in [check.name for check in comparison.checks if check.kind == "parameter gradient"]
    assert not compare(JaxModel(LinenNorm(), params), TorchNorm(), X, (norm_row(None), BIAS, *LINEAR)).passed


def test_several_may_be_made_of_one_and_one_of_several():
    """PyTorch's LSTM adds two biases where Flax has one; neither model is edited."""

    class FlaxLSTM(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.RNN(linen.LSTMCell(6, param_dtype=jnp.float64, name="cell"))(x)

    gates = ("i", "f", "g", "o")
    table = (
        Row(tuple(f"cell/i{gate}/kernel" for gate in gates), "weight_ih_l0", "gate x h -> (gate h) x"),
        Row(tuple(f"cell/h{gate}/kernel" for gate in gates), "weight_hh_l0", "gate x h -> (gate h) x"),
        Row(
            tuple(f"cell/h{gate}/bias" for gate in gates),
            ("bias_ih_l0", "bias_hh_l0"),
            "two gate h -> two (gate h), gate=4",
            lambda both: both.sum(0),
        ),
    )
    lstm = TorchModel(noisy(nn.LSTM(4, 6, batch_first=True)), lambda model, x: model(x)[0])
    comparison = compare(lstm, FlaxLSTM(), {"x": RNG.standard_normal((3, 5, 4))}, table)
    assert comparison.passed
    gradients = comparison.reference.arrays["parameter gradient"]
    assert {"bias_ih_l0", "bias_hh_l0"} <= set(gradients)


def test_a_kernel_may_be_flipped():
    def flax(params, x):
        return jax.lax.conv_general_dilated(
            x, params["kernel"][::-1], (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC")
        )

    class Conv(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(3, 4, 3, padding=1, bias=False)

        def forward(self, x):
            return self.conv(x.transpose(1, 2)).transpose(1, 2)

    side = JaxModel(flax, {"kernel": np.zeros((3, 3, 4))})
    x = {"x": RNG.standard_normal((2, 6, 3))}
    axes = "w i o -> o i w"
    assert not compare(noisy(Conv()), side, x, [Row("kernel", "conv.weight", axes)]).passed
    assert compare(noisy(Conv()), side, x, [Row("kernel", "conv.weight", axes, lambda k: k[::-1])]).passed
    back = compare(
        JaxModel(flax, {"kernel": RNG.standard_normal((3, 3, 4))}),
        Conv(),
        x,
        [Row("kernel", "conv.weight", axes, lambda k: k.flip(-1))],
    )
    assert back.passed


def test_a_change_of_another_shape_is_refused_by_name():
    with pytest.raises(
        ValueError, match=r"'norm/scale' makes shape \(4,\) of \(8,\), but the parameter has \(8"
    ):
        compare(noisy(TorchNorm()), LinenNorm(), X, (norm_row(lambda w: w[:4]), BIAS, *LINEAR))


class TorchFlat(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(120, 7)

    def forward(self, x):
        return self.fc(F.relu(self.conv(x.permute(0, 3, 1, 2))).flatten(1))


class LinenFlat(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = jax.nn.relu(linen.Conv(4, (3, 3), name="conv")(x))
        return linen.Dense(7, name="fc")(x.reshape(x.shape[0], -1))


def flat(axes):
    table = (
        Row("conv/kernel", "conv.weight", "h w i o -> o i h w"),
        BIAS,
        Row("fc/kernel", "fc.weight", axes),
    )
    return compare(noisy(TorchFlat()), LinenFlat(), {"x": RNG.standard_normal((2, 5, 6, 3))}, table)


def test_lengths_may_stand_behind_the_pattern():
    assert flat("(h w c) o -> o (c h w), h=5, w=6").passed
    assert flat("(place c) o -> o (c place), c=4").passed
    assert not flat("(h w c) o -> o (c h w), h=5, w=4").passed
    assert not flat("i o -> o i").passed


@pytest.mark.parametrize(
    "axes, words",
    [
        ("(h w c) o -> o (c h w)", "the lengths of c and h and w are unknown.*behind the pattern: .*, h=..."),
        ("(h w c) o -> o (c h w), h=7", "the lengths of c and w are unknown"),
        ("(h w c) o -> o (c h w), h=7, w=6", r"'fc\.weight' of shape \(7, 120\) does not fit its row"),
        (
            "(h w c) o -> o (c h w), h=five, w=6",
            r"write lengths behind the pattern, as in '\(h w\) -> h w, h=5",
        ),
        ("(h w c) o -> o (c h w), 5, 6", "write lengths behind the pattern"),
    ],
)
def test_lengths_that_are_missing_or_wrong_are_refused(axes, words):
    with pytest.raises(ValueError, match=words):
        flat(axes)


class Own(nn.Module):
    """A learner's attention."""

    def __init__(self, over=-1):
        super().__init__()
        self.over = over
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(1, 2) / 8**0.5
        return self.o(torch.softmax(scores, self.over) @ self.v(x))


class Stock(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.MultiheadAttention(8, 1, batch_first=True)

    def forward(self, x):
        return self.a(x, x, x)[0]


ATTENTION = (
    Row(("q.weight", "k.weight", "v.weight"), "a.in_proj_weight", "three o i -> (three o) i"),
    Row(("q.bias", "k.bias", "v.bias"), "a.in_proj_bias", "three o -> (three o)"),
    Row("o.*", "a.out_proj.*", "... -> ..."),
)


def test_pytorch_is_held_against_pytorch():
    x = {"x": RNG.standard_normal((2, 4, 8))}
    assert compare(noisy(Stock()), Own(), x, ATTENTION).passed
    assert not compare(noisy(Stock()), Own(over=1), x, ATTENTION).passed


def test_flax_is_held_against_flax():
    class Nnx(nnx.Module):
        def __init__(self):
            self.fc, self.out = nnx.Linear(5, 8, rngs=nnx.Rngs(0)), nnx.Linear(8, 3, rngs=nnx.Rngs(1))

        def __call__(self, x):
            return self.out(nnx.relu(self.fc(x)))

    class Linen(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.Dense(3, name="out")(linen.relu(linen.Dense(8, name="fc")(x)))

    comparison = compare(Nnx(), Linen(), X, [Row("*", "*", "... -> ...")])
    assert comparison.passed and len(comparison.checks) == 8


def test_an_edited_copy_is_held_against_the_original():
    """What an edit changed shows: a bias that was folded into another is missing by name."""
    original, edited = noisy(TorchNorm()), noisy(TorchNorm())
    assert compare(original, edited, X, [Row("*", "*", "... -> ...")]).passed
    del edited.out.bias
    edited.out.register_buffer("bias", torch.zeros(3))
    words = r"reference parameter 'out\.bias' has no counterpart: its row expects 'out/bias' in candidate"
    with pytest.raises(KeyError, match=words):
        compare(original, edited, X, [Row("*", "*", "... -> ...")])


class TorchFolding(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = torch.nn.Conv2d(2, 3, 3, padding=1, bias=False), torch.nn.BatchNorm2d(3)
        self.head = torch.nn.Linear(3, 2)

    def forward(self, x):
        return self.head(torch.relu(self.bn(self.conv(x))).mean((2, 3)))


class Folded(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.Conv(3, (3, 3), padding=1, name="conv")(x.transpose(0, 2, 3, 1))
        return linen.Dense(2, name="head")(jax.nn.relu(x).mean((1, 2)))


def folded(eps=1e-5):
    """The norm in the convolution, by five arrays of three shapes, of which two are no parameters."""

    def fold(kernel, scale, bias, mean, variance):
        factor = scale * jax.lax.rsqrt(variance + eps)
        return kernel * factor, bias - mean * factor

    norm = tuple(f"bn.{name}" for name in ("weight", "bias", "running_mean", "running_var"))
    axes = ("h w i o -> o i h w", *("o -> o" for _ in norm))
    return [
        Row(("conv/kernel", "conv/bias"), ("conv.weight", *norm), axes, fold),
        Row("head/kernel", "head.weight", "i o -> o i"),
        Row("head/bias", "head.bias", "o -> o"),
    ]


def test_a_norm_that_is_folded_into_a_convolution():
    torch.manual_seed(0)
    reference = noisy(TorchFolding())
    with torch.no_grad():
        reference.bn.running_mean.normal_()
        reference.bn.running_var.uniform_(0.5, 2)
    inputs = {"x": np.random.default_rng(0).standard_normal((2, 2, 5, 5))}
    taps = {"head": "head"}  # what the convolution returns is another thing
    comparison = compare(reference, Folded(), inputs, folded(), taps)
    assert comparison.passed, comparison
    gradients = {check.name for check in comparison.checks if check.kind == "parameter gradient"}
    assert gradients == {"conv.weight", "bn.weight", "bn.bias", "head.weight", "head.bias"}
    assert not compare(reference, Folded(), inputs, folded(eps=1e-3), taps).passed


def test_patterns_for_each_array_are_counted():
    first, *rest = folded()
    inputs = {"x": np.zeros((2, 2, 5, 5))}
    with pytest.raises(ValueError, match="give a pattern for each of them"):
        compare(TorchFolding(), Folded(), inputs, [first._replace(axes=first.axes[:2]), *rest])
    with pytest.raises(ValueError, match="several patterns are for what a `change` reads"):
        compare(TorchFolding(), Folded(), inputs, [first._replace(change=None), *rest])
