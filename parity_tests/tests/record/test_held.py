"""Candidates held against references on file, where the other framework need not be installed.

Two jobs of CI run this file where it is not: `make without-torch without-jax`.
"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from parity_tests.core.compare import first_divergence
from parity_tests.pair import compare
from parity_tests.tests.record.pair import ALIKE, ON_FILE

# Run in a process of its own, where the frameworks of its first argument cannot be imported.
BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""


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


@pytest.mark.parametrize("missing", ["torch", "jax,jaxlib,flax,optax"])
def test_all_this_without_the_other_framework(missing):
    tests = [str(Path(__file__)), "--noconftest", "-q", "-k", "right or mistake"]
    command = [sys.executable, "-c", BLOCKED, missing, *tests, "-p", "no:cacheprovider"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "4 passed, 4 skipped" in result.stdout, result.stdout + result.stderr
