"""The operations of a step, against a count of what our models do; batches; what is unlike is said."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

from benchmarks.batches import COUNT, batches_of
from benchmarks.contestants.ours import architecture
from benchmarks.fairness import doubts
from benchmarks.workloads import NEW, WORKLOADS, Workload, block_flops, forward_flops, step_flops
from study.shapes.flops import stretches
from train.loops import jax_loop

SIZES = {"layers": 2, "embed": 16, "heads": 2, "batch": 3, "vocab": 50}


def small(name: str, **sizes: Any) -> Workload:
    return replace(WORKLOADS[name], **SIZES | {"length": 20} | sizes)


def counted(workload: Workload, *inputs: np.ndarray) -> int:
    """The operations of our model's matmuls, all of its positions computed."""
    ours = architecture(workload)
    if workload.kind == "mlm":
        ours = replace(ours, config=replace(ours.config, lean=False))
    model: Any = jax_loop.build_model(ours)
    params = jax_loop.params_tree(jax_loop.initial_params(ours, 0))
    jaxpr = jax.make_jaxpr(lambda params, *inputs: model.apply({"params": params}, *inputs))(params, *inputs)
    return sum(stretch.matmul for stretch in stretches(jaxpr.jaxpr))


@pytest.mark.parametrize("name", ["gpt_a", "mlm_b", "classifier_train"])
def test_the_formula_is_what_is_counted(name: str) -> None:
    workload = small(name)
    batch: Any = batches_of(workload, 0)[0]
    full = np.ones(batch.ids.shape, bool)
    if name == "classifier_train":
        batch = batch._replace(mask=full)  # where nothing is padding, both mean the same
    masked = getattr(batch, "masked_positions", None)
    extra = {"gpt_a": (), "mlm_b": (full, masked), "classifier_train": (full,)}[name]
    sizes = replace(workload, length=batch.ids.shape[1]) if name == "classifier_train" else workload
    assert forward_flops(sizes, batch) == counted(sizes, batch.ids, *extra)


def test_a_step_is_three_forward_passes_and_padding_is_no_work() -> None:
    training, inference = small("classifier_train"), small("classifier_inference")
    batches: Any = batches_of(training, 0)
    assert step_flops(training, batches) == 3 * step_flops(inference, batches)
    wide = [
        batch._replace(ids=np.pad(batch.ids, ((0, 0), (0, 9))), mask=np.pad(batch.mask, ((0, 0), (0, 9))))
        for batch in batches
    ]
    assert step_flops(training, wide) == step_flops(training, batches)


def test_a_generation_reads_each_position_once() -> None:
    workload = WORKLOADS["generate_8"]
    by_token = sum(block_flops(workload, 1, position + 1) for position in range(workload.length - 1))
    heads = 2 * workload.embed * workload.vocab * NEW
    assert step_flops(workload, []) == workload.batch * (by_token + heads)


@pytest.mark.parametrize("name", WORKLOADS)
def test_batches_follow_from_the_seed(name: str) -> None:
    first, again, other = (batches_of(WORKLOADS[name], seed) for seed in (1, 1, 2))
    assert len(first) == COUNT
    for one, two, three in zip(first, again, other, strict=True):
        assert type(one) is type(two) and all(map(np.array_equal, one, two))
        assert not np.array_equal(one[0], three[0])
        assert one[0].max() < WORKLOADS[name].vocab


def test_what_is_unlike_is_said() -> None:
    workload = small("gpt_a")
    ours = {"parameters": 1000, "first_loss": 3.9}  # log(50) is 3.91
    assert doubts(workload, {"jax": ours, "nnx": {"parameters": 1029, "first_loss": 4.1}}) == []
    found = doubts(workload, {"jax": ours, "nnx": {"parameters": 1100, "first_loss": 4.3}})
    assert len(found) == 2 and "4.3" in found[0] and "1.1 times" in found[1]
    assert doubts(workload, {"jax": ours | {"first_loss": float("nan")}})
    wrong = {"parameters": 1000, "shape": [1, 21]}
    assert "[1, 21]" in doubts(small("generate_1", batch=1), {"jax": wrong})[0]
