"""Candidates held against references on file, where the other framework need not be installed.

Each of two jobs runs this file where one is not: `make without-torch without-jax`.
"""

from importlib import import_module

import pytest

from parity_tests.core.compare import first_divergence
from parity_tests.pair import compare
from parity_tests.tests.record.pair import ALIKE, ON_FILE
from twinformer import cli


@pytest.fixture(params=["torch", "flax"])
def candidate(request):
    """The pair's side of one framework: a module with its name, and its model."""
    pytest.importorskip(request.param)
    return import_module(f"parity_tests.tests.record.in_{request.param}")


@pytest.fixture(params=["torch", "flax"])
def reference(request):
    return request.param


def table(reference, candidate):
    """That on file is of two frameworks."""
    return ALIKE if candidate.__name__.endswith(reference) else None


def test_a_candidate_that_is_right_passes(reference, candidate):
    comparison = compare(ON_FILE[reference], candidate.model(), weights=table(reference, candidate))
    assert comparison.passed, comparison
    kinds = {check.kind for check in comparison.checks}
    assert kinds == {"forward", "tap", "input gradient", "parameter gradient"}
    assert "<html" in comparison.to_html() and comparison.to_json()["passed"]


def test_a_mistake_is_found_where_it_is(reference, candidate):
    model = candidate.model(mistaken=True)
    comparison = compare(ON_FILE[reference], model, weights=table(reference, candidate))
    assert first_divergence(comparison.checks).name == "down"
    (isolation,) = comparison.isolations
    verdicts = [(tap.name, tap.verdict) for tap in isolation.tap_errors]
    before = [(name, "matches") for name in ("tokens", "norm", "up")]
    assert verdicts == [*before, ("down", "earlier"), ("output", "downstream")]
    assert "look between up and it" in str(comparison)


def test_the_command_compares_them_too(reference, candidate, tmp_path):
    (tmp_path / "port.py").write_text(
        f"from {candidate.__name__} import model\n"
        "from parity_tests.tests.record.pair import ALIKE, ON_FILE\n"
        f"reference, candidate = ON_FILE[{reference!r}], model()\n"
        + "weights = ALIKE"
        * (table(reference, candidate) is ALIKE)
    )
    assert cli.status(["compare", str(tmp_path / "port.py"), "--html", str(tmp_path / "port.html")]) == 0
