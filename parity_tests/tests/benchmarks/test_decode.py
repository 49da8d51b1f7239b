"""What a token costs: bytes by hand, what flat means from both sides, and the record and the page alike."""

import json
from pathlib import Path

import pytest

from benchmarks.decode import MODEL, NEW, PROMPT, RESULT, ROOT, flat, measured, parameters, read
from benchmarks.decode_picture import draw

RECORD = json.loads(RESULT.read_text("utf-8"))
PAGE = Path(ROOT / "docs" / "speed.md").read_text("utf-8")


def test_a_token_reads_all_weights_and_the_cache_once():
    blocks = 12 * 256**2 + (4 + 4 + 1 + 4) * 256  # matrices, biases, two norms
    assert parameters() == MODEL.layers * blocks + 2 * 256 + 8192 * 256
    assert read(NEW[0]) == {"weights": 4 * parameters(), "cache": 4 * 2 * 4 * (PROMPT + 127) * 256}


@pytest.mark.parametrize("times, expected", [(0.0, True), (0.9, True), (1.1, False), (10.0, False)])
def test_flat_is_what_grows_by_no_more_than_its_cache(times, expected):
    """``times`` as much as the cache's reading grows."""
    rows = [
        {"framework": "jax", "new": new, "milliseconds": 1.0 + times * new * 1e-3, "cache": new * 1e-3}
        for new in NEW
    ]
    assert flat(rows, "jax") == expected


def test_a_decoder_without_a_cache_is_not_flat():
    reads = {new: read(new)["cache"] for new in NEW}
    rows = [
        {"framework": "jax", "new": new, "milliseconds": 1e-3 * new, "cache": reads[new] / 1e11}
        for new in NEW
    ]
    assert not flat(rows, "jax")


def test_each_length_is_measured_in_its_turn():
    asked = []
    rows = measured({"jax": asked.append}, copied=1e9)
    assert asked == [*NEW] * (len(asked) // len(NEW)) and [row["new"] for row in rows] == [*NEW]
    assert all(
        row["milliseconds"] >= 0.0
        and row["cache"] == pytest.approx(read(row["new"])["cache"] / 1e6, rel=1e-4)
        for row in rows
    )


def test_the_picture_is_drawn_of_the_record(tmp_path):
    draw(RECORD, tmp_path / "decode.png")
    assert (tmp_path / "decode.png").stat().st_size > 10_000


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_the_page_has_the_record_s_figures(framework):
    found = [row for row in RECORD["rows"] if row["framework"] == framework]
    assert [row["new"] for row in found] == [*NEW]
    assert " | ".join(f"{row['milliseconds']:.2f}" for row in found) in PAGE
    assert not flat(found, framework) and "It is\nnot so in either" in PAGE
