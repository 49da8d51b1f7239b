"""What names and shapes say before anything runs: words, layouts, arrays that may be one, and pairs."""

import pytest

from parity_tests.map.layouts import input_first, layouts
from parity_tests.map.pairing import pair
from parity_tests.map.side import Side
from parity_tests.map.stacks import stacks
from parity_tests.map.words import in_known_order, likeness, owner, pieces, role


@pytest.mark.parametrize(
    "name, other, unlike",
    [
        (
            "transformer.h.0.attn.c_proj.weight",
            "blocks_0/attention/output/kernel",
            "blocks_0/mlp/down/kernel",
        ),
        (
            "layers.3.self_attn.q_proj.weight",
            "blocks_3/attention/query/kernel",
            "blocks_3/attention/key/kernel",
        ),
        (
            "model.embed_tokens.weight",
            "embeddings/token_embedding/embedding",
            "embeddings/position_embedding",
        ),
        ("encoder.layer.1.output.LayerNorm.bias", "blocks_1/norm/bias", "blocks_1/up/bias"),
        ("bn1.running_var", "stem_norm/var", "stem_norm/mean"),
    ],
)
def test_names_of_one_thing_are_liker_than_others(name, other, unlike):
    assert likeness(name, other) > likeness(name, unlike)


def test_pieces_owners_and_roles():
    assert pieces("layers_0/up_proj") == ["layers", "0", "up_proj"] and pieces("h.11.ln") == ["h", "11", "ln"]
    assert owner("a.b.weight") == "a.b" and owner("weight") == ""
    roles = {"a.weight": "", "a/bias": "bias", "b0": "bias", "a.bias_ih_l0": "bias", "a.running_mean": "mean"}
    assert {name: role(name) for name in roles} == roles
    assert input_first("up/kernel") and input_first("w") and not input_first("up.weight")


def test_parts_that_stand_together_have_an_order():
    names = [f"attention/{part}/kernel" for part in ("value", "key", "query")]
    assert in_known_order(names) == names[::-1]
    assert in_known_order([f"cell/h{gate}/bias" for gate in "gofi"]) == [f"cell/h{g}/bias" for g in "ifgo"]
    assert in_known_order(["a/kernel", "b/kernel"]) is None


@pytest.mark.parametrize(
    "theirs, ours, turned, counted, likeliest",
    [
        ((4, 4), (4, 4), True, "", "a b -> b a"),
        ((4, 4), (4, 4), False, "", "a b -> a b"),
        ((12, 3, 4), (12, 12), True, "", "a b c -> (b c) a"),
        ((3, 4, 12), (12, 12), True, "", "a b c -> c (a b)"),
        ((3, 3, 6, 6), (6, 6, 3, 3), True, "", "a b c d -> d c a b"),
        ((3, 12, 12), (36, 12), True, "theirs", "a b c -> (a c) b"),
        ((3, 12, 12), (12, 36), False, "theirs", "a b c -> b (a c)"),
        ((3, 4, 4), (3, 4, 4), True, "ours", "a b c -> a c b"),
        ((3, 4), (12,), False, "", "a b -> (a b)"),
        ((1, 12), (12,), False, "", "a b -> (a b)"),
    ],
)
def test_the_usual_layout_comes_first(theirs, ours, turned, counted, likeliest):
    assert str(layouts(theirs, ours, turned, counted)[0]) == likeliest


def test_layouts_that_move_no_number_are_one():
    assert len(layouts((1, 1, 12), (12,), False)) == 1
    assert layouts((2, 3), (4, 2), False) == []


def test_what_one_side_has_too_many_of_may_be_one_on_the_other():
    one = Side({"qkv.weight": (36, 12), "out.weight": (12, 12)})
    other = Side({f"{part}/kernel": (12, 12) for part in ("key", "out", "query", "value")})
    (found,) = stacks(one, other, lambda left, right: [*zip(left, right, strict=False)])
    assert found == (("qkv.weight",), ("query/kernel", "key/kernel", "value/kernel"))


def test_layers_are_counted_as_numbers():
    one = Side({"layers/kernel": (11, 4, 4)})
    other = Side({f"layers.{number}.weight": (4, 4) for number in (*range(9), 10, 9)})
    (found,) = stacks(one, other, lambda left, right: [*zip(left, right, strict=False)])
    assert found[1] == tuple(f"layers.{number}.weight" for number in range(11))


def test_what_fits_nothing_is_left_over():
    found = pair(
        Side({"a.weight": (3, 4), "b.weight": (5, 5)}), Side({"a/kernel": (4, 3), "c/kernel": (2, 2)})
    )
    assert [(link.ours, link.theirs) for link in found.links] == [(("a.weight",), ("a/kernel",))]
    assert (found.ours, found.theirs) == (["b.weight"], ["c/kernel"])
