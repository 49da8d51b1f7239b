"""The tables that people read and the JSON that programs read."""

import io
import json
import re
from dataclasses import fields

import pytest
from rich.console import Console

from parity_tests.core.compare import Check
from parity_tests.core.isolate import Isolation, TapError
from parity_tests.core.report import print_checks, to_json

LONG = "blocks_0/attention/query/kernel"
PASSED = [
    Check("classifier", "forward", "output", "float64", 2e-16, 1e-16, 1e-11, True),
    Check("classifier", "tap", "blocks.0/attention/scores", "float64", 2e-15, 1e-15, 1e-11, True),
    Check("classifier", "tap", "logits", "float64", 2e-14, 3e-14, 1e-11, True),
    Check("classifier", "parameter gradient", LONG, "float64", 0.0, 0.0, 1e-11, True),
    Check("gelu", "forward", "output", "float32", 2e-7, 1e-7, 1e-5, True),
]
INF = float("inf")
FAILED = [
    Check("block", "forward", "output", "float64", 0.2, 0.1, 1e-11, False),
    Check("block", "tap", "weights", "float64", 0.4, 0.25, 1e-11, False),
    Check("block", "tap", "heads_output", "float64", 0.4, 0.5, 1e-11, False),
    Check("broken", "forward", "output", "float32", float("nan"), INF, 1e-5, False),
]


TAP_ERRORS = [
    TapError("tap", "blocks.0/norm", "batch embed", "blocks.0", 1e-16, 0.0, 1e-11, "matches"),
    TapError("tap", "blocks.0/weights", "batch embed", "blocks.0", 0.25, 0.25, 1e-11, "diverges"),
    TapError("tap", "blocks.0/heads_output", "batch embed", "blocks.0", 0.5, INF, 1e-11, "diverges"),
    TapError("tap", "logits", "batch classes", "logits", 0.1, 1e-16, 1e-11, "downstream"),
]
ISOLATED = [Isolation("block", "float64", TAP_ERRORS)]


def printed(checks, width=80, isolations=()):
    console = Console(width=width, record=True, file=io.StringIO())
    print_checks(checks, console, isolations)
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_a_row_for_each_model_shows_the_worst_tensor_of_each_kind(width):
    lines = printed(PASSED, width)
    rows = [line.split() for line in lines]
    assert rows[0] == ["Largest", "relative", "errors", "in", "float64"]
    assert rows[1][3:] == ["tensors", "output", "taps", "inputs", "params", "bound"]
    assert ["classifier", "4", "1.0e-16", "3.0e-14", "0.0e+00", "1e-11", "pass"] in rows
    assert ["gelu", "1", "1.0e-07", "1e-05", "pass"] in rows
    assert lines[-1] == "5 checks, all within bounds"
    assert max(map(len, lines)) <= width


def test_a_failure_is_marked_and_told_in_one_sentence_a_model():
    lines = printed([*PASSED, *FAILED], 120)
    assert ["block", "3", "1.0e-01", "5.0e-01", "1e-11", "FAIL"] in [line.split() for line in lines]
    assert "block (float64) diverges first at tap weights: relative error 2.5e-01, allowed 1.0e-11." in lines
    (broken,) = (line for line in lines if line.startswith("broken (float32) diverges first"))
    assert "missing on one side, or of another shape" in broken
    assert sum("diverges first" in line for line in lines) == 2
    assert lines[-1] == "4 of 9 checks failed"


def test_each_block_of_a_model_that_failed_has_both_errors_and_a_verdict_below_its_sentence():
    lines = printed([*PASSED, *FAILED], 80, ISOLATED)
    (sentence,) = (number for number, line in enumerate(lines) if line.startswith("block (float64) diverges"))
    rows = [line.split() for line in lines[sentence:]]
    header = rows.index(["block", "cumulative", "isolated", "verdict", "diverges", "at"])
    assert rows[header + 1] == ["blocks.0", "5.0e-01", "inf", "diverges", "weights,", "heads_output"]
    assert rows[header + 2] == ["logits", "1.0e-01", "1.0e-16", "downstream"]
    assert rows[header + 3][0] == "broken"
    assert max(map(len, lines)) <= 80


def test_a_failure_hides_behind_no_larger_error_that_was_allowed():
    allowed = Check("block", "tap", "loose", "float32", 0.9, 0.9, 1.0, True)
    refused = Check("block", "tap", "tight", "float32", 0.1, 0.1, 0.05, False)
    rows = [line.split() for line in printed([allowed, refused])]
    assert ["block", "2", "1.0e-01", "5e-02", "FAIL"] in rows


@pytest.mark.parametrize("width", [80, 120])
def test_where_float64_is_known_the_table_says_how_far_each_twin_is_from_it(width):
    checks = [
        Check("gelu", "forward", "output", "float32", 2e-7, 1e-7, 1e-5, True, 3e-7, 4e-7),
        Check("gelu", "input gradient", "x", "float32", 2e-7, 2e-7, 1e-5, True, 5e-7, 1e-7),
        Check("torch gelu vs another", "forward", "output", "float32", 2e-7, 1e-7, 1e-5, True),
    ]
    rows = [line.split() for line in printed(checks, width)]
    assert rows[1][3:] == ["output", "taps", "inputs", "params", "bound", "jax/f64", "torch/f64"]
    assert ["gelu", "1.0e-07", "2.0e-07", "1e-05", "5.0e-07", "4.0e-07", "pass"] in rows
    assert any(row[-3:] == ["1.0e-07", "1e-05", "pass"] for row in rows)
    assert max(map(len, printed(checks, width))) <= width


def test_in_bfloat16_the_table_has_the_ratio_of_the_twins_errors():
    checks = [
        Check("gelu", "forward", "output", "bfloat16", 3e-3, 3e-3, 4e-3, True, 2e-3, 3e-3),
        Check("gelu", "input gradient", "x", "bfloat16", 6e-3, 6e-3, 4e-3, False, 6e-3, 2e-3),
        Check("mask", "forward", "output", "bfloat16", 0.0, 0.0, 0.0, True, 0.0, 0.0),
    ]
    lines = printed(checks)
    rows = [line.split() for line in lines]
    assert lines[0].startswith("Ratios of the twins' errors in bfloat16")
    assert ["gelu", "1.50", "3.00", "2.00", "6.0e-03", "3.0e-03", "FAIL"] in rows
    assert ["mask", "0.00", "0.00", "0.0e+00", "0.0e+00", "pass"] in rows
    told = " ".join(lines[-3:])
    assert "gelu (bfloat16) diverges first at input gradient x: error 6.0e-03 in JAX" in told
    assert "2.0e-03 in PyTorch, ratio 3.00, allowed 2.00." in " ".join(told.split())


def test_the_json_has_exactly_the_fields_of_the_checks():
    report = json.loads(json.dumps(to_json(PASSED), allow_nan=False))
    assert set(report) == {"schema", "passed", "checks", "isolation"} and report["passed"] is True
    assert [set(kind) for kind in report["checks"]] == [{f.name for f in fields(Check)}] * 5
    assert report["checks"][0] == {
        "model": "classifier",
        "kind": "forward",
        "name": "output",
        "dtype": "float64",
        "max_abs_error": 2e-16,
        "max_rel_error": 1e-16,
        "bound": 1e-11,
        "passed": True,
        "jax_from_float64": None,
        "torch_from_float64": None,
        "at": "",
    }


def test_errors_that_are_no_numbers_are_null_in_json():
    report = json.loads(json.dumps(to_json(FAILED), allow_nan=False))
    assert report["passed"] is False
    assert report["checks"][3]["max_abs_error"] is report["checks"][3]["max_rel_error"] is None
    assert report["checks"][3]["passed"] is False


def test_the_json_has_the_isolation_by_block_and_by_tap():
    (found,) = json.loads(json.dumps(to_json(FAILED, ISOLATED), allow_nan=False))["isolation"]
    assert set(found) == {"model", "dtype", "blocks", "taps"}
    assert (found["model"], found["dtype"]) == ("block", "float64")
    assert found["blocks"][0] == {
        "name": "blocks.0",
        "cumulative": 0.5,
        "isolated": None,
        "worst": "blocks.0/heads_output",
        "verdict": "diverges",
    }
    assert [set(tap) for tap in found["taps"]] == [{f.name for f in fields(TapError)}] * 4
    assert found["taps"][2] == vars(TAP_ERRORS[2]) | {"isolated": None}
    assert to_json(FAILED)["isolation"] == []


def test_no_checks_are_no_pass():
    assert to_json([]) == {"schema": 4, "passed": False, "checks": [], "isolation": []}
    assert printed([])[-1] == "nothing was checked"


NAMES = ("weighted_cross_entropy_smooth", "multi_head vs flax.linen.MultiHeadDotProductAttention", "gelu")


@pytest.mark.parametrize("from_float64", [None, 1e-7])
def test_at_80_columns_names_break_between_their_words(from_float64):
    checks = [
        Check(name, "forward", "output", "float32", 2e-7, 1e-7, 1e-5, True, from_float64, from_float64)
        for name in NAMES
    ]
    lines = printed(checks)
    assert max(map(len, lines)) <= 80
    for word in {word for name in NAMES for word in re.split(r"[_. ]|(?<=[a-z])(?=[A-Z])", name)}:
        assert any(word in line for line in lines[2:-1]), word
    assert sum("pass" in line for line in lines) == len(NAMES)
