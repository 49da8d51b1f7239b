"""Whose place a learner's weights have: names, shapes, layouts, lists of heads, fused matrices."""

import numpy as np
import pytest

from study.grade.parts import BY_NAME, SIZES
from study.grade.readings import readings
from study.grade.reference import reference_of
from study.grade.roles import named, score
from study.grade.weights import Reading

EMBED, HEADS, HEAD_DIM = SIZES["embed"], SIZES["heads"], SIZES["head_dim"]
SQUARE = (EMBED, EMBED)


def first(part: str, shapes: dict[str, tuple[int, ...]], kind: str = "", **renamed: str) -> Reading:
    return every(part, shapes, kind, **renamed)[0]


def every(part: str, shapes: dict[str, tuple[int, ...]], kind: str = "", **renamed: str) -> list[Reading]:
    reference = reference_of(BY_NAME[part], shapes)
    kinds = dict.fromkeys(shapes, kind)
    return list(readings(shapes, kinds, reference.shapes, SIZES, renamed))


def places(reading: Reading) -> dict[str, str]:
    return {
        name: " + ".join(move.reference) for move in reading.moves for name in (" + ".join(move.learner),)
    }


NAMES = {
    "plain": ("query", "key", "value", "output"),
    "short": ("q", "k", "v", "o"),
    "proj": ("q_proj", "k_proj", "v_proj", "out_proj"),
    "to": ("to_q", "to_k", "to_v", "to_out"),
    "camel": ("queryLayer", "keyLayer", "valueLayer", "outLayer"),
    "annotated": ("linear_query", "linear_key", "linear_value", "unify_heads"),
}


@pytest.mark.parametrize("names", NAMES.values(), ids=list(NAMES))
def test_the_names_of_the_field_are_read(names: tuple[str, ...]) -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    for name in names[::-1]:  # in another order than ours
        shapes |= {f"{name}.bias": (EMBED,), f"{name}.weight": SQUARE}
    found = places(first("multi_head", shapes, "out in"))
    for name, layer in zip(names, ("query", "key", "value", "output"), strict=True):
        assert found[f"{name}.weight"] == f"{layer}/kernel"
        assert found[f"{name}.bias"] == f"{layer}/bias"


def test_bare_parameters_are_read_with_their_biases() -> None:
    shapes: dict[str, tuple[int, ...]] = {f"W_{letter}": SQUARE for letter in "qkvo"}
    shapes |= {f"b_{letter}": (EMBED,) for letter in "ovkq"}
    found = places(first("multi_head", shapes))
    assert found["W_k"] == "key/kernel" and found["b_k"] == "key/bias" and found["b_o"] == "output/bias"


def test_queries_keys_and_values_in_one_weight_come_apart() -> None:
    shapes: dict[str, tuple[int, ...]] = {
        "in_proj_weight": (3 * EMBED, EMBED),
        "in_proj_bias": (3 * EMBED,),
        "out_proj.weight": SQUARE,
        "out_proj.bias": (EMBED,),
    }
    reading = first("multi_head", shapes, "out in")
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    found = reading.forwards(weights)
    third = weights["in_proj_weight"][EMBED : 2 * EMBED]
    np.testing.assert_array_equal(found["key/kernel"].reshape(EMBED, EMBED), third.T)
    np.testing.assert_array_equal(found["value/bias"].ravel(), weights["in_proj_bias"][2 * EMBED :])
    assert not reading.absent and not reading.unclaimed


def test_heads_in_a_list_are_put_together() -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    for head in range(HEADS):
        for name in ("query", "key", "value"):
            shapes[f"heads.{head}.{name}.weight"] = (HEAD_DIM, EMBED)
            shapes[f"heads.{head}.{name}.bias"] = (HEAD_DIM,)
    shapes |= {"proj.weight": SQUARE, "proj.bias": (EMBED,)}
    reading = first("multi_head", shapes, "out in")
    weights = {name: np.random.default_rng(1).standard_normal(shape) for name, shape in shapes.items()}
    found = reading.forwards(weights)
    np.testing.assert_array_equal(found["key/kernel"][:, 2], weights["heads.2.key.weight"].T)
    assert not reading.absent and not reading.unclaimed


@pytest.mark.parametrize("part", ["single_head", "multi_head", "block", "classifier", "bert", "gpt"])
def test_there_and_back_is_the_same_to_the_bit(part: str) -> None:
    shapes = reference_of(BY_NAME[part], {}).shapes
    weights = {name: np.random.default_rng(2).standard_normal(shape) for name, shape in shapes.items()}
    reading = first(part, shapes, "in out")
    assert {move.reference for move in reading.moves} == {move.learner for move in reading.moves}
    back = reading.backwards(reading.forwards(weights))
    assert all(np.array_equal(back[name], weights[name]) for name in weights)


def test_names_that_say_nothing_leave_every_order_open() -> None:
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("alpha1", "alpha2", "alpha3", "alpha4"), SQUARE)
    found = [tuple(places(one).values()) for one in every("multi_head", shapes, "out in")]
    assert len(set(found)) == 24
    told = every(
        "multi_head", shapes, "out in", alpha1="query", alpha2="key", alpha3="value", alpha4="output"
    )
    assert {tuple(places(one).values()) for one in told} == {
        ("query/kernel", "key/kernel", "value/kernel", "output/kernel")
    }


def test_what_nobody_has_is_said() -> None:
    shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": SQUARE for name in ("q", "k", "v", "o", "gate")}
    reading = first("multi_head", shapes, "out in")
    assert reading.unclaimed == ("gate.weight",)
    assert set(reading.absent) == {"query/bias", "key/bias", "value/bias", "output/bias"}


def test_blocks_are_told_apart_by_their_numbers() -> None:
    shapes = reference_of(BY_NAME["gpt"], {}).shapes
    swapped = {
        name.replace("blocks_0", "h.1").replace("blocks_1", "h.0"): shape for name, shape in shapes.items()
    }
    found = places(first("gpt", swapped, "in out"))
    assert found["h.0/attention/key/kernel"] == "blocks_0/attention/key/kernel"


def test_the_parts_of_a_name() -> None:
    assert named("blocks.0.q.weight", 2) == ("blocks.0.q", False)
    assert named("W_q", 2) == ("q", False) and named("bq", 1) == ("q", True)
    assert named("ln.beta", 1) == ("ln", True) and named("ln.gamma", 1) == ("ln", False)
    assert score("h.0.attn.q_proj", "blocks_0/attention/query") > score(
        "h.0.attn.q_proj", "blocks_0/attention/output"
    )
