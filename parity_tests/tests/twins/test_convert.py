"""The converter: bitwise round trips, and an error that names the key for whatever does not fit."""

import numpy as np
import pytest
import torch

from parity_tests.twins.catalogue import TWINS
from parity_tests.twins.run import initial_params
from torch_impl import convert
from torch_impl.attention import MultiHeadAttention
from torch_impl.config import AttentionConfig

MODULES = [twin for twin in TWINS if isinstance(twin.build("torch_impl"), torch.nn.Module)]
ATTENTION = MultiHeadAttention(AttentionConfig(embed=6, heads=3))


def flat_params(twin):
    """Float32 parameters, none alike, among them a NaN, an infinity and a negative zero."""
    params = initial_params(twin, twin.inputs(np.random.default_rng(0)), 0)
    arrays = {name: array.astype(np.float32) for name, array in params.items()}
    next(iter(arrays.values())).flat[:3] = [np.nan, -np.inf, -0.0]
    return arrays


def bits(arrays):
    return {name: (array.shape, array.dtype, array.tobytes()) for name, array in arrays.items()}


@pytest.mark.parametrize("twin", MODULES, ids=lambda twin: twin.name)
def test_a_round_trip_is_bitwise_equal_both_ways(twin):
    params = flat_params(twin)
    model = twin.build("torch_impl")
    convert.load(model, params)
    assert bits(convert.save(model)) == bits(params)
    assert set(convert.to_torch(params)) == {name for name, _ in model.named_parameters()}
    state = {name: tensor.detach().numpy() for name, tensor in model.named_parameters()}
    there = convert.to_flax(state, convert.axis_sizes(model))
    assert bits(convert.to_torch(there)) == bits(state)


def test_gradients_have_the_layout_of_their_parameters():
    model = MultiHeadAttention(AttentionConfig(embed=6, heads=3))
    state = {name: np.random.default_rng(0).random(p.shape) for name, p in model.named_parameters()}
    x = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model.load_state_dict({name: torch.tensor(array) for name, array in state.items()}, assign=True)
    model(x, x).square().sum().backward()
    torch_gradients = {name: p.grad.numpy() for name, p in model.named_parameters() if p.grad is not None}
    gradients = convert.to_flax(torch_gradients, convert.axis_sizes(model))
    # Row-major: number (h, d) of the merged axis is h * head_dim + d.
    by_hand = torch_gradients["query.weight"].T.reshape(6, 3, 2)
    np.testing.assert_array_equal(gradients["query/kernel"], by_hand)
    np.testing.assert_array_equal(
        gradients["output/kernel"].reshape(6, 6), torch_gradients["output.weight"].T
    )
    assert bits(convert.to_torch(gradients)) == bits(torch_gradients)


def test_the_members_of_a_list_are_numbered_in_each_frameworks_way():
    arrays = {f"blocks_{n}/attention/query/bias": np.full((3, 2), n) for n in (0, 10)}
    there = convert.to_torch(arrays)
    assert set(there) == {"blocks.0.attention.query.bias", "blocks.10.attention.query.bias"}
    assert set(convert.to_flax(there, {"heads": 3})) == set(arrays)


@pytest.mark.parametrize("name", ["blocks_0/wicket/kernel", "kernel", "query/weight", "query/kernel/"])
def test_a_key_that_no_row_claims_is_refused(name):
    with pytest.raises(KeyError, match=f"flax parameter '{name}' is claimed by no row"):
        convert.to_torch({name: np.zeros((2, 2))})


def test_a_torch_key_that_no_row_claims_is_refused():
    with pytest.raises(KeyError, match=r"torch parameter 'wicket\.weight' is claimed by no row"):
        convert.to_flax({"wicket.weight": np.zeros((2, 2))}, {})


def test_a_key_that_two_rows_claim_is_refused():
    table = (*convert.TABLE, convert.Row("*up/bias", "*other.bias", "mlp -> mlp"))
    with pytest.raises(KeyError, match=r"'blocks_0/up/bias' is claimed by \['\*up/bias', '\*up/bias'\]"):
        convert.to_torch({"blocks_0/up/bias": np.zeros(2)}, table)


def test_two_keys_that_convert_to_one_are_refused():
    table = (convert.Row("one", "same", "a -> a"), convert.Row("two", "same", "a -> a"))
    with pytest.raises(KeyError, match="'two' and another parameter both convert to 'same'"):
        convert.to_torch({"one": np.zeros(2), "two": np.zeros(2)}, table)


def test_an_array_of_another_rank_or_not_divisible_is_refused():
    with pytest.raises(ValueError, match=r"'query/kernel' of shape \(6, 6\) does not fit"):
        convert.to_torch({"query/kernel": np.zeros((6, 6))})
    with pytest.raises(ValueError, match=r"'query\.bias' of shape \(7,\) does not fit.*'heads': 3"):
        convert.to_flax({"query.bias": np.zeros(7)}, {"heads": 3})


def loadable():
    return convert.to_flax(
        {name: np.zeros(p.shape, np.float32) for name, p in ATTENTION.named_parameters()}, {"heads": 3}
    )


@pytest.mark.parametrize(
    "change, words",
    [
        ({"key/bias": None}, "Missing key.*key.bias"),
        ({"head/bias": np.zeros(2)}, "Unexpected key.*head.bias"),
        ({"value/bias": np.zeros((2, 2))}, "size mismatch for value.bias"),
    ],
)
def test_loading_names_what_is_missing_left_over_or_of_another_shape(change, words):
    params = {name: array for name, array in (loadable() | change).items() if array is not None}
    with pytest.raises(RuntimeError, match=f"(?s){words}"):
        convert.load(MultiHeadAttention(AttentionConfig(embed=6, heads=3)), params)


def test_different_head_dims_in_one_model_are_refused():
    model = torch.nn.ModuleList([MultiHeadAttention(AttentionConfig(embed=6, heads=h)) for h in (2, 3)])
    with pytest.raises(ValueError, match=r"different head_dim: \[2, 3\]"):
        convert.axis_sizes(model)


FUSED = (
    convert.Row(
        ("*query/kernel", "*key/kernel", "*value/kernel"),
        "*fused.weight",
        "three embed heads head_dim -> (three heads head_dim) embed",
    ),
    convert.Row("*gates_*/kernel", ("*up.*.weight", "*gate.*.weight"), "embed (two mlp) -> two mlp embed"),
)


def test_a_row_of_several_parameters_stacks_them_and_takes_them_apart():
    rng = np.random.default_rng(0)
    arrays = {f"layers_1/{name}/kernel": rng.random((6, 3, 2)) for name in ("value", "query", "key")}
    there = convert.to_torch(arrays, FUSED)
    query, key, value = (arrays[f"layers_1/{name}/kernel"] for name in ("query", "key", "value"))
    by_hand = np.concatenate([kernel.reshape(6, 6).T for kernel in (query, key, value)])
    np.testing.assert_array_equal(there["layers.1.fused.weight"], by_hand)
    assert bits(convert.to_flax(there, {"heads": 3, "head_dim": 2}, FUSED)) == bits(arrays)


def test_a_row_may_be_several_parameters_on_pytorchs_side_and_have_several_stars():
    arrays = {"block/gates_2/kernel": np.random.default_rng(0).random((3, 8))}
    shapes = {"block.up.2.weight": (4, 3), "block.gate.2.weight": (4, 3)}
    there = convert.fit(arrays, "flax", shapes, FUSED)
    assert list(there) == list(shapes)
    np.testing.assert_array_equal(there["block.gate.2.weight"], arrays["block/gates_2/kernel"].T[4:])
    back = convert.fit(there, "torch", {name: array.shape for name, array in arrays.items()}, FUSED)
    assert bits(back) == bits(arrays)


def test_a_list_may_be_numbered_by_a_level_of_its_own_and_a_scalar_has_no_axes():
    table = (convert.Row("*/up/bias", "*.up.bias", "mlp -> mlp"), convert.Row("scale", "scale", " -> "))
    arrays = {"layers.0.up.bias": np.ones(2), "scale": np.array(2.0)}
    shapes = {"scale": (), "layers/0/up/bias": (2,)}
    fitted = convert.fit(arrays, "torch", shapes, table)
    assert {name: array.shape for name, array in fitted.items()} == shapes


def test_parameters_that_cannot_be_stacked_are_refused():
    arrays = {f"{name}/kernel": np.zeros((6, 3, 2)) for name in ("query", "key")}
    with pytest.raises(KeyError, match="flax parameter 'value/kernel' is missing: a row stacks it with"):
        convert.to_torch(arrays, FUSED)
    words = r"'key/kernel' of shape \(6, 3, 2\), 'value/kernel' of shape \(6, 1, 2\) does not fit its row"
    with pytest.raises(ValueError, match=words):
        convert.to_torch(arrays | {"value/kernel": np.zeros((6, 1, 2))}, FUSED)


def test_two_spellings_of_one_path_are_refused():
    with pytest.raises(KeyError, match="'a_0/norm/bias' and 'a/0/norm/bias' have one path"):
        convert.to_torch({"a_0/norm/bias": np.zeros(2), "a/0/norm/bias": np.zeros(2)})
