"""Isolation: every mistake is found, also behind another one, and what is only downstream is not blamed."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np
import pytest

from parity_tests.core.compare import BOUNDS, Check
from parity_tests.core.isolate import Isolation, block_of, isolate
from parity_tests.core.trace import Trace
from parity_tests.twins.check import find_twins, isolate_twin
from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.inject import Defect, isolate_defect
from parity_tests.twins.run import initial_params, run_torch
from torch_impl import convert

PLANTS = {defect.name: defect.inject for defect in DEFECTS}
INF = float("inf")


def isolated(twin, *plants, in_training=False):
    def together():
        stack = ExitStack()
        for inject in plants:
            stack.enter_context(inject())
        return stack

    return isolate_defect(Defect("injected", find_twins(twin)[0], together, "", in_training))


def altered(change):
    """Change PyTorch's module after its weights are loaded, as in one block only."""
    load = convert.load

    def load_and_change(module, params):
        load(module, params)
        change(module)

    return lambda: mock.patch.object(convert, "load", load_and_change)


def verdicts(isolation):
    return {block.name: block.verdict for block in isolation.blocks}


@pytest.mark.parametrize(
    "twin, in_training", [("gpt", False), ("bert_pretraining", False), ("bert_for_masked_lm", True)]
)
def test_healthy_twins_agree_everywhere_with_room_to_spare(twin, in_training):
    tap_errors = isolated(twin, in_training=in_training).tap_errors
    assert len(tap_errors) > 10 and {tap.verdict for tap in tap_errors} == {"matches"}
    assert max(tap.isolated for tap in tap_errors) < 1e-4 * BOUNDS["float64"][1]


def test_after_one_early_defect_all_else_inherits():
    def change(module):
        module.blocks[0].attention_norm.eps = 1e-3

    tap_errors = isolated("gpt", altered(change)).tap_errors
    names = [tap.name for tap in tap_errors]
    parts = names.index("blocks.0/attention_norm")
    assert parts > 0 and tap_errors[parts].verdict == "diverges"
    assert {tap.verdict for tap in tap_errors[:parts]} == {"matches"}
    assert {tap.verdict for tap in tap_errors[parts + 1 :]} == {"downstream"}
    assert all(tap.cumulative > 1e-11 >= tap.isolated for tap in tap_errors[parts + 1 :])


def test_two_defects_at_once_are_both_found():
    def change(module):
        feed_forward = module.bert.blocks[1].feed_forward
        feed_forward.config = replace(feed_forward.config, activation="gelu_tanh")

    early, late = PLANTS["embeddings: positions counted from one"], altered(change)
    one, both = isolated("bert_pretraining", early), isolated("bert_pretraining", early, late)

    def cumulative(isolation):
        return [tap.name for tap in isolation.tap_errors if tap.cumulative > tap.bound]

    def diverging(isolation):
        return [tap.name for tap in isolation.tap_errors if tap.verdict == "diverges"]

    assert cumulative(one) == cumulative(both)  # the first hides the second
    assert diverging(one) == ["bert/embeddings/places"]
    assert diverging(both) == ["bert/embeddings/places", "bert/blocks.1/feed_forward/active"]
    found = verdicts(both)
    assert (found["bert/embeddings"], found["bert/blocks.0"]) == ("diverges", "downstream")
    assert (found["bert/blocks.1"], found["masked"], found["words"]) == (
        "diverges",
        "downstream",
        "downstream",
    )
    assert "matches" not in found.values()


def test_what_a_model_leaves_out_does_not_hide_a_defect_before_it():
    early, late = PLANTS["embeddings: positions counted from one"], PLANTS["classifier: no final norm"]
    found = verdicts(isolated("classifier", early, late))
    assert found["embeddings"] == found["final_norm"] == "diverges"
    assert found["logits"] == found["output"] == "downstream"


def test_a_forced_tap_hands_on_the_reference_and_records_what_was_computed():
    (twin,) = find_twins("feed_forward")
    inputs = twin.inputs(np.random.default_rng(0))
    params = initial_params(twin, inputs, 0)
    run = partial(run_torch, twin, params, inputs, "float32", None)
    free, forced = run(), run({"hidden": np.zeros((8, 7, 40))})
    np.testing.assert_array_equal(forced.arrays["tap"]["hidden"], free.arrays["tap"]["hidden"])
    assert not forced.arrays["tap"]["active"].any()  # gelu(0); not named, so it keeps its own value
    np.testing.assert_array_equal(
        forced.arrays["forward"]["output"], np.broadcast_to(np.float32(params["down/bias"]), (8, 7, 24))
    )
    assert free.arrays["parameter gradient"] and not forced.arrays["parameter gradient"]
    assert free.arrays["input gradient"] and not forced.arrays["input gradient"]


def trace(output=(1.0,), **taps):
    arrays = {name.replace("__", "/"): np.asarray(array, float) for name, array in taps.items()}
    return Trace({"forward": {"output": np.asarray(output)}, "tap": arrays}, dict.fromkeys(arrays, "batch"))


def test_the_verdict_is_by_the_bound_itself_which_is_inclusive():
    reference = trace(a=[0.0, 4.0], b=[4.0], c=[4.0], d=[4.0])
    free = trace(a=[0.0, 4.5], b=[4.6], c=[4.6], d=[4.5])
    forced = trace(a=[0.5, 4.0], b=[4.5], c=[4.6], d=[4.6])
    tap_errors = isolate(reference, free, forced, 0.125)
    assert [tap.verdict for tap in tap_errors] == [
        "matches",
        "downstream",
        "diverges",
        "diverges",
        "matches",
    ]
    assert (tap_errors[0].cumulative, tap_errors[0].isolated, tap_errors[0].bound) == (0.125, 0.125, 0.125)
    assert [(tap.kind, tap.name, tap.axes) for tap in tap_errors[3:]] == [
        ("tap", "d", "batch"),
        ("forward", "output", ""),
    ]


@pytest.mark.parametrize("value", [[np.nan, 1.0], [1.0, np.inf], [1.0], [[1.0, 1.0]]])
def test_what_is_not_finite_or_of_another_shape_parts(value):
    healthy, broken = trace(a=[1.0, 1.0]), trace(a=value)
    for traces in ((healthy, healthy, broken), (broken, healthy, healthy)):
        assert isolate(*traces, 1e-11)[0].isolated == INF
    carried = isolate(healthy, broken, healthy, 1e-11)[0]
    assert (carried.cumulative, carried.isolated, carried.verdict) == (INF, 0.0, "downstream")


def test_a_tap_that_one_side_lacks_parts():
    for reference, candidate in ((trace(a=[1.0]), trace()), (trace(), trace(a=[1.0]))):
        tap = isolate(reference, candidate, candidate, 1e-11)[0]
        assert (tap.name, tap.cumulative, tap.isolated, tap.verdict) == (
            "a",
            INF,
            INF,
            "diverges",
        )
        assert tap.axes == "batch"


def test_blocks_come_in_order_each_once_and_are_as_bad_as_their_worst_place():
    reference = trace(blocks__norm=[1.0], a=[1.0], blocks__output=[1.0])
    free = trace(blocks__norm=[1.5], a=[2.0], blocks__output=[1.25])
    forced = trace(blocks__norm=[1.0], a=[1.0], blocks__output=[1.25])
    blocks, a, output = Isolation("m", "float64", isolate(reference, free, forced, 0.1)).blocks
    assert (blocks.name, a.name, output.name) == ("blocks", "a", "output")
    assert (blocks.cumulative, blocks.worst.name_in_block, blocks.verdict) == (0.5, "output", "diverges")
    assert (a.verdict, output.verdict) == ("downstream", "matches")


@pytest.mark.parametrize(
    "name, block",
    [
        ("bert/blocks.0/attention/scores", "bert/blocks.0"),
        ("blocks.11/output", "blocks.11"),
        ("bert/embeddings/tokens", "bert/embeddings"),
        ("attention/scores", "attention"),
        ("final_norm", "final_norm"),
    ],
)
def test_the_block_of_a_tap(name, block):
    assert block_of(name) == block


def test_only_the_modes_that_failed_are_isolated_and_none_in_bfloat16():
    (twin,) = find_twins("feed_forward")

    def failed(model, dtype):
        return [Check(model, "forward", "output", dtype, 1.0, 1.0, 1e-11, False)]

    (isolation,) = isolate_twin(twin, failed("feed_forward", "float32"))
    assert (isolation.model, isolation.dtype) == ("feed_forward", "float32")
    assert {tap.bound for tap in isolation.tap_errors} == {1e-5}
    assert not isolate_twin(twin, failed("feed_forward in training", "float32"))
    assert not isolate_twin(twin, failed("feed_forward", "bfloat16"))
