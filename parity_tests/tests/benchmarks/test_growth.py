"""Growth: counts against what PyTorch keeps, the check from both sides, the page against the record."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.image import imread

from benchmarks.batches import batches_of
from benchmarks.contestants.ours import architecture
from benchmarks.growth import AXES, BASE, BEGIN, DOCS, RESULTS, SEED, at, cases, rows_of
from benchmarks.growth_count import TABLES, kept_bytes, step_bytes
from benchmarks.growth_figures import BOUND, Curve, curves, excesses, exponent, table
from benchmarks.growth_picture import draw
from benchmarks.page import between
from benchmarks.rounds import measure
from benchmarks.workloads import Workload, step_flops
from jax_impl.fused_loss import LOGITS
from torch_impl.objectives import next_token_loss
from train.loops import torch_loop

RECORD = json.loads(RESULTS.read_text("utf-8"))
TINY = replace(BASE, layers=2, embed=16, heads=2, length=16, batch=2, vocab=31)
# By docs/speed.md: holes between arrays of a row's square, in memory that is kept.
EXPLAINED = ["memory over length in PyTorch, 512 to 1,024"]
LARGER = [{}, {"length": 64}, {"layers": 4}, {"embed": 64}, {"batch": 5}]


def kept_in_torch(workload: Workload) -> int:
    """Bytes of the tensors that the loss's graph holds, the parameters left out."""
    model: Any = torch_loop.build_model(architecture(workload, plain=True))
    batch: Any = torch_loop.to_device(batches_of(workload, SEED)[0])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.1, 0.1)
    loss, _ = next_token_loss(model, batch, None, 0.0)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    found, seen, nodes = {}, set(), [loss.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        nodes += [following for following, _ in node.next_functions]
        saved = [getattr(node, name) for name in dir(node) if name.startswith("_saved_")]
        for tensor in (*saved, *getattr(node, "saved_tensors", ())):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                found[storage.data_ptr()] = storage.nbytes()
    return sum(size for place, size in found.items() if place not in own)


@pytest.mark.parametrize("sizes", LARGER, ids=str)
def test_what_is_kept_is_what_was_counted(sizes: dict[str, int]) -> None:
    workload = replace(TINY, **sizes)
    assert kept_in_torch(workload) == pytest.approx(kept_bytes(workload), rel=0.1)


def made(**planted: float) -> dict[str, Any]:
    """A record that grows as expected, but for a share of a quantity, at each axis's first size, that grows
    once more with the size."""
    rows = []
    for axis, sizes in AXES.items():
        for framework in ("jax", "torch"):
            for size in sizes:
                workload = at(BASE, axis, size)
                row = {"axis": axis, "size": size, "framework": framework, "parameters": 500_000}
                row |= {"tokens": workload.batch * workload.length, "bytes": step_bytes(workload, 500_000)}
                row["flops"] = step_flops(workload, batches_of(workload, SEED))
                more = {name: 1 - share + share * size / sizes[0] for name, share in planted.items()}
                row["seconds"] = [row["flops"] / 1e10 * more.get("time", 1.0)] * 2
                row["memory_bytes"] = 2 * row["bytes"] * more.get("memory", 1.0)
                rows.append(row)
    rates = [{"matmul": {"jax": 2e10, "torch": 1e10}}]
    return {"rates": rates, "own_bytes": {"jax": 0, "torch": 0}, "rows": rows}


def test_growth_as_expected_is_no_excess() -> None:
    assert excesses(curves(made()), bound=1.0 + 1e-9) == []
    assert {curve.quantity for curve in curves(made())} == {"time", "memory"}


@pytest.mark.parametrize("quantity", ["time", "memory"])
def test_a_planted_quadratic_is_found_on_every_axis(quantity: str) -> None:
    """A share s of the first size makes the first doubling 1 + s times what it should be."""
    record = made(**{quantity: BOUND - 1.0 + 0.02})
    found = excesses(curves(record))
    assert all(f"{quantity} over " in line for line in found)
    for axis in ("length", "width", "depth", "vocabulary", "batch"):
        for framework in ("JAX", "PyTorch"):
            assert any(f"{quantity} over {axis} in {framework}, " in line for line in found)
    first = [replace(curve, sizes=curve.sizes[:2]) for curve in curves(made(**{quantity: BOUND - 1.02}))]
    firsts = [replace(c, measured=c.measured[:2], expected=c.expected[:2]) for c in first]
    assert excesses(firsts) == []


def test_growth_is_a_doubling_s_whatever_the_distance_of_the_sizes() -> None:
    curve = Curve("batch", "jax", "time", (2, 8), (1.0, 4.0), (1.0, 1.0))
    assert curve.excess == pytest.approx((2.0,))
    assert excesses([replace(curve, measured=(1.0, float("nan")))])
    assert exponent((2, 8, 32), (3.0, 12.0, 48.0)) == pytest.approx(1.0)


def test_an_axis_changes_one_size_and_heads_keep_their_width() -> None:
    for axis, sizes in AXES.items():
        for size in sizes:
            changed = {
                name for name, value in asdict(at(BASE, axis, size)).items() if value != vars(BASE)[name]
            }
            assert changed == (
                set() if size == vars(BASE)[axis] else {axis, *(["heads"] if axis == "embed" else [])}
            )
        assert vars(BASE)[axis] in sizes
    assert at(BASE, "embed", 512).heads == 4 * BASE.heads


def test_logits_are_counted_up_to_a_chunk() -> None:
    def logits(vocab: int) -> int:
        workload = at(BASE, "vocab", vocab)
        tables = 4 * TABLES * (vocab - 1) * BASE.embed
        return step_bytes(workload, 0) - step_bytes(at(BASE, "vocab", 1), 0) - tables

    tokens = BASE.batch * BASE.length
    assert logits(101) == 4 * 100 * tokens
    assert logits(2 * LOGITS // tokens) == logits(4 * LOGITS // tokens) == 4 * (LOGITS - tokens)


@pytest.mark.slow
def test_one_size_is_measured() -> None:
    """In both frameworks, which begin alike; what was needed to begin is not in a step's memory."""
    measured = measure(cases(TINY, "length", (8,)), 1, SEED, lambda doing: None)
    losses = [facts["first_loss"] for facts in measured.contestants.values()]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for row, facts in zip(
        rows_of(TINY, "length", (8,), measured), measured.contestants.values(), strict=True
    ):
        assert row["tokens"] == 2 * 8 and row["seconds"][0] > 0
        assert 0 < row["memory_bytes"] <= facts["memory_bytes"]


def test_the_record_is_of_these_sizes_and_counts_and_nothing_grows_too_much() -> None:
    assert Workload(**RECORD["base"]) == BASE
    points = [
        (axis, framework, size) for axis in AXES for framework in ("jax", "torch") for size in AXES[axis]
    ]
    assert [(row["axis"], row["framework"], row["size"]) for row in RECORD["rows"]] == points
    for row in RECORD["rows"]:
        workload = at(BASE, row["axis"], row["size"])
        assert row["bytes"] == step_bytes(workload, row["parameters"])
        assert row["flops"] == step_flops(workload, batches_of(workload, SEED))
    assert [line.partition(":")[0] for line in excesses(curves(RECORD))] == EXPLAINED


def test_the_page_has_the_record_s_table() -> None:
    page = (DOCS / "speed.md").read_text("utf-8")
    assert between(page, BEGIN, table(RECORD)) == page


def test_the_picture_is_drawn_from_a_record(tmp_path: Path) -> None:
    draw(made(), tmp_path / "growth.png")
    assert imread(tmp_path / "growth.png").std() > 0.05
