"""Tables that names and shapes do not tell: found by runs, and what no run tells is not called proven."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen
from torch import nn

from parity_tests.pair import JaxModel, Row, TorchModel, compare

X = np.random.default_rng(0).standard_normal((3, 5, 12))


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def found(reference, candidate, x=X):
    """The comparison, which passes; what the candidate's weights are in the reference; and the unproven."""
    comparison = compare(reference, candidate, {"x": x})
    assert comparison.passed, comparison
    rows = {row.flax: row.torch for row in comparison.table.rows}
    return comparison, rows, {one.row.flax: one.unproven for one in comparison.table.unproven}


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(12, 12), nn.Linear(12, 12)


class TorchProduct(Two):
    def forward(self, x):
        return self.a(x) * self.b(x)


class Product(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(12, name="left")(x) * linen.Dense(12, name="right")(x)


def test_factors_of_a_product_may_change_places():
    _, rows, unproven = found(TorchProduct(), Product())
    assert len(rows) == 4
    assert unproven == {
        f"{side}/{leaf}": f"left/{leaf} and right/{leaf} may change places"
        for side in ("left", "right")
        for leaf in ("kernel", "bias")
    }


class TorchGated(Two):
    def forward(self, x):
        return self.a(x) * torch.relu(self.b(x))


class Gated(linen.Module):
    @linen.compact
    def __call__(self, x):
        return jax.nn.relu(linen.Dense(12, name="a")(x)) * linen.Dense(12, name="b")(x)


def test_names_that_mislead_are_set_right():
    _, rows, unproven = found(TorchGated(), Gated())
    assert rows == {"a/kernel": "b.weight", "a/bias": "b.bias", "b/kernel": "a.weight", "b/bias": "a.bias"}
    assert not unproven


class TorchBranches(Two):
    def forward(self, x):
        return torch.relu(self.a(x)) + torch.relu(self.b(x))


class Branches(linen.Module):
    @linen.compact
    def __call__(self, x):
        return sum(jax.nn.relu(linen.Dense(12, name=name)(x)) for name in "ab")


def test_branches_that_are_alike_are_told_by_their_names_alone():
    _, rows, unproven = found(TorchBranches(), Branches())
    assert rows["a/kernel"] == "a.weight" and unproven.keys() == rows.keys()


class TorchChain(Two):
    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


class Chain(linen.Module):
    """Keeps PyTorch's layout, in parameters of its own that no part is heard with."""

    @linen.compact
    def __call__(self, x):
        normal = linen.initializers.normal()
        for name in ("first", "second"):
            x = x @ self.param(f"{name}_w", normal, (12, 12)).T + self.param(f"{name}_bias", normal, (12,))
            x = jax.nn.relu(x) if name == "first" else x
        return x


def test_square_kernels_of_another_layout():
    comparison, rows, unproven = found(TorchChain(), Chain())
    assert rows["first_w"] == "a.weight" and rows["second_bias"] == "b.bias" and not unproven
    assert {row.axes for row in comparison.table.rows} == {"a b -> a b", "a -> a"}


def function(params, x):
    x = jnp.tanh(x @ params["w0"] + params["b0"])
    return jnp.tanh(x @ params["w1"] + params["b1"]) @ params["out"]["w"]


def test_a_function_of_nested_parameters():
    params = {f"w{n}": np.zeros((12, 12)) for n in range(2)} | {f"b{n}": np.zeros(12) for n in range(2)}
    layers = [nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 12, bias=False)]
    _, rows, unproven = found(
        TorchModel(nn.Sequential(*layers), lambda model, x: model(x)),
        JaxModel(function, {**params, "out": {"w": np.zeros((12, 12))}}),
    )
    assert rows["w1"] == "2.weight" and rows["out/w"] == "4.weight" and not unproven


class TorchHeads(nn.Module):
    """Query, key and value of one matrix, which is cut by ``cut`` into batch, position, three, heads, dim."""

    def __init__(self, cut):
        super().__init__()
        self.qkv, self.out, self.cut = nn.Linear(12, 36), nn.Linear(12, 12), cut

    def forward(self, x):
        query, key, value = self.cut(self.qkv(x)).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(query @ key.transpose(-1, -2) / 2, -1)
        return self.out((weights @ value).transpose(1, 2).flatten(2))


class Heads(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.MultiHeadDotProductAttention(3, name="attention")(x)


@pytest.mark.parametrize(
    "cut, axes",
    [
        (lambda y: y.unflatten(-1, (3, 3, 4)), "a b c d -> (a c d) b"),
        (lambda y: y.unflatten(-1, (3, 3, 4)).transpose(2, 3), "a b c d -> (c a d) b"),  # as GPT-NeoX
        (lambda y: y.unflatten(-1, (3, 4, 3)).transpose(3, 4), "a b c d -> (a d c) b"),
    ],
    ids=["three heads dim", "heads three dim", "three dim heads"],
)
def test_how_heads_lie_in_one_matrix(cut, axes):
    comparison, rows, _ = found(TorchHeads(cut), Heads())
    kernels = tuple(f"attention/{part}/kernel" for part in ("query", "key", "value"))
    assert rows[kernels] == "qkv.weight"
    assert next(row.axes for row in comparison.table.rows if row.torch == "qkv.weight") == axes


class TorchValueFirst(TorchHeads):
    def forward(self, x):
        value, query, key = self.cut(self.qkv(x)).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(query @ key.transpose(-1, -2) / 2, -1)
        return self.out((weights @ value).transpose(1, 2).flatten(2))


def test_the_order_of_query_key_and_value():
    _, rows, _ = found(TorchValueFirst(lambda y: y.unflatten(-1, (3, 3, 4))), Heads())
    assert tuple(f"attention/{part}/kernel" for part in ("value", "query", "key")) in rows


class TorchOneNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.weight = nn.Linear(12, 12), nn.Parameter(torch.zeros(12))

    def forward(self, x):
        x = self.linear(x)
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * (1 + self.weight)


class Norm(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.RMSNorm(name="norm")(linen.Dense(12, name="linear")(x))


def test_a_scale_that_is_kept_as_its_distance_from_one():
    comparison, _, unproven = found(TorchOneNorm(), Norm())
    assert 'Row("norm/scale", "weight", "a -> a", lambda weight: weight + 1)' in str(comparison.table)
    assert "2 rows" not in comparison.table.summary and "values changed of norm/scale" in str(comparison)
    assert not unproven


class TorchUnused(Two):
    def forward(self, x):
        return self.b(x)


class Unused(linen.Module):
    @linen.compact
    def __call__(self, x):
        linen.Dense(12, name="a")(x)
        return linen.Dense(12, name="b")(x)


def test_what_nothing_depends_on_is_not_proven():
    _, rows, unproven = found(TorchUnused(), Unused())
    assert rows["a/kernel"] == "a.weight"
    assert unproven == {
        f"a/{leaf}": f"nothing that was heard depends on a/{leaf}" for leaf in ("kernel", "bias")
    }


def test_two_biases_that_are_added():
    lstms = [TorchModel(nn.LSTM(4, 6, batch_first=True), lambda model, x: model(x)[0]) for _ in range(2)]
    _, rows, unproven = found(*lstms, X[..., :4])
    assert all(name == other for name, other in rows.items())
    assert unproven.keys() == {"bias_ih_l0", "bias_hh_l0"}


class Scanned(linen.Module):
    @linen.compact
    def __call__(self, x):
        def layer(dense, x, _):
            return jnp.tanh(dense(x)), None

        scan = linen.scan(layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
        return scan(linen.Dense(12, name="layers"), x, None)[0]


class Looped(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(12, 12) for _ in range(3))

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x


def test_layers_in_one_array():
    comparison, rows, unproven = found(Looped(), Scanned())
    assert rows == {"layers/kernel": "layers.#.weight", "layers/bias": "layers.#.bias"} and not unproven
    assert [check.name for check in comparison.checks if check.kind == "tap"] == [
        "layers.0",
        "layers.1",
        "layers.2",
    ]


def test_the_table_is_code_that_gives_the_same_comparison():
    reference, candidate = TorchHeads(lambda y: y.unflatten(-1, (3, 3, 4))), Heads()
    comparison, _, _ = found(reference, candidate)
    names = {"Row": Row}
    exec(str(comparison.table), names)
    again = compare(reference, candidate, {"x": X}, weights=names["TABLE"])
    assert [check for check in again.checks if check.kind != "tap"] == [
        check for check in comparison.checks if check.kind != "tap"
    ]


class TorchExtra(TorchChain):
    def __init__(self):
        super().__init__()
        self.extra = nn.Linear(7, 3)


def test_weights_that_are_left_over_are_an_error():
    with pytest.raises(KeyError, match=r"nothing in the other model fits extra.weight \(3, 7\), extra.bias"):
        compare(TorchExtra(), Chain(), {"x": X})
    with pytest.raises(KeyError, match=r"of the candidate; give `weights`"):
        compare(TorchChain(), TorchExtra(), {"x": X})


class Wrong(linen.Module):
    """Chain with another constant in its norm, and another activation: the table is found all the same."""

    epsilon: float = 1e-6

    @linen.compact
    def __call__(self, x):
        x = linen.LayerNorm(self.epsilon, name="norm")(linen.Dense(12, name="a")(x))
        return linen.Dense(12, name="b")(jax.nn.gelu(x))


class TorchNormed(Two):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(12)

    def forward(self, x):
        return self.b(torch.nn.functional.gelu(self.norm(self.a(x))))


def test_of_a_wrong_port_the_table_is_found_and_the_mistake_named():
    comparison = compare(TorchNormed(), Wrong(), {"x": X})
    assert not comparison.passed
    assert {row.flax: row.torch for row in comparison.table.rows} == {
        "a/kernel": "a.weight",
        "a/bias": "a.bias",
        "b/kernel": "b.weight",
        "b/bias": "b.bias",
        "norm/scale": "norm.weight",
        "norm/bias": "norm.bias",
    }
    proven = {"a/kernel", "a/bias"}
    assert {one.row.flax for one in comparison.table.found if not one.unproven} == proven
    verdicts = {tap.name: tap.verdict for tap in comparison.isolations[0].tap_errors}
    assert (verdicts["a"], verdicts["norm"], verdicts["b"]) == ("matches", "diverges", "earlier")


class TorchFlat(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * 5 * 6, 7)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x.permute(0, 3, 1, 2))).flatten(1))


class Flat(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = jax.nn.relu(linen.Conv(4, (3, 3), name="conv")(x))
        return linen.Dense(7, name="fc")(x.reshape(x.shape[0], -1))


def test_the_order_in_which_an_image_is_flattened():
    """No shape of a weight tells it."""
    image = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    comparison, _, unproven = found(TorchFlat(), Flat(), image)
    assert not unproven
    axes = {row.flax: row.axes for row in comparison.table.rows}
    assert axes["fc/kernel"] == "(a b c) d -> d (c a b), a=5, b=6, c=4"


class TorchSquares(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ParameterList(torch.randn(12, 12) / 3 for _ in range(12))

    def forward(self, x):
        for layer in self.layers:
            x = x + torch.tanh(x @ layer.T)
        return x


def squares(params, x):
    for layer in params["layers"]:
        x = x + jnp.tanh(x @ layer)
    return x


def test_layers_of_which_no_part_is_heard_are_turned_together():
    params = {"layers": [np.zeros((12, 12)) for _ in range(12)]}
    comparison, rows, unproven = found(TorchSquares(), JaxModel(squares, params))
    assert rows == {"layers/#": "layers.#"} and not unproven
    assert [row.axes for row in comparison.table.rows] == ["a b -> b a"]
