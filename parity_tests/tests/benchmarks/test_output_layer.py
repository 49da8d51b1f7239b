"""The account of the output layer: counts by hand, and what the page says is what was measured."""

import json
from pathlib import Path

import pytest

from benchmarks.output_layer import RESULTS, ROOT, VOCABS, WIDTHS
from benchmarks.output_losses import grown, in_turns, jax_memory, torch_memory
from benchmarks.output_share import LENGTH, TOKENS, blocks_and_rest, output_layer, share

RECORD = json.loads(RESULTS.read_text("utf-8"))
PAGE = Path(ROOT / "docs" / "speed.md").read_text("utf-8")


@pytest.mark.parametrize("width", [64, 256])
def test_operations_are_those_of_the_matmuls_and_little_else(width):
    """A block has 12 weights a width squared, and two products of each query with each key."""
    block, _ = blocks_and_rest(width)
    matmuls = 2 * TOKENS * (12 * width**2 + 2 * LENGTH * width)
    assert matmuls < block < matmuls * (1.0 + 24.0 / width)
    output = output_layer(width, 1000)
    assert 2 * TOKENS * width * 1000 < output < 2 * TOKENS * (width + 8) * 1000


def test_deeper_and_wider_models_have_a_smaller_share_and_larger_vocabularies_a_larger_one():
    assert share(64, 2, 1000) > share(64, 4, 1000) > share(128, 4, 1000)
    assert share(64, 2, 2000) > share(64, 2, 1000)


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("memory", [jax_memory, torch_memory])
def test_the_fused_loss_takes_less_memory(memory):
    """A chunk's logits and the table's gradient; the plain one has all logits and their gradients."""
    plain, fused = (memory(kind, 2048, 20_000) for kind in ("plain", "fused"))
    assert fused < plain / 3


def test_what_a_process_grows_by_is_seen():
    held = []
    assert 60 <= grown(lambda: held.append(bytearray(64 * 2**20))) <= 80


def test_each_is_timed_in_its_turn():
    order = []
    seconds = in_turns({name: lambda name=name: order.append(name) for name in "ab"}, 2)
    assert order == ["a", "b"] * 3
    assert all(0 <= row["wall"] <= row["wall_median"] for row in seconds.values())


def test_the_page_has_the_record_s_figures():
    by_vocab = {(row["width"], row["vocab"]): row["as_much"] for row in RECORD["shares"]}
    for width in WIDTHS:
        assert "| " + " | ".join(f"{by_vocab[width, vocab]:.1f}" for vocab in VOCABS) + " |" in PAGE


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_a_third_of_the_memory_costs_no_time(framework):
    """Of the gradient of gpt_c's model, by the record; the page has its figures."""
    plain, fused = (
        next(row for row in RECORD["steps"] if (row["framework"], row["loss"]) == (framework, kind))
        for kind in ("plain", "fused")
    )
    memory = "temporary_mib" if framework == "jax" else "grown_mib"
    assert fused[memory] < plain[memory] / 3
    assert fused["processor"] < 1.05 * plain["processor"]
    for row in (plain, fused):
        assert f"| {row[memory]:,.0f} |" in PAGE and f"| {1e3 * row['processor']:,.0f} |" in PAGE
