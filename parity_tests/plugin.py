"""A pytest plugin: the fixture ``parity`` compares two models and fails with the report.

Nothing is imported before a test asks for it.
"""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def parity(request: pytest.FixtureRequest) -> Callable[..., None]:
    """A function that takes what `pair.compare` takes, and fails with its report where the models diverge.

    JUnit's report (``pytest --junitxml``) has as properties what was compared, the largest error, its bound,
    and the likely causes.

    def test_port(parity):
        parity(reference, candidate, inputs, weights=TABLE)
    """
    from parity_tests.pair import compare

    def check(*pair: Any, **settings: Any) -> None:
        comparison = compare(*pair, **settings)
        worst = max(comparison.checks, key=lambda check: check.max_rel_error)
        request.node.user_properties += [
            ("parity: models", worst.model),
            ("parity: checks", len(comparison.checks)),
            ("parity: largest error", f"{worst.max_rel_error:.1e} ({worst.kind} {worst.name})"),
            ("parity: bound", worst.bound),
            *(("parity: likely cause", finding.text) for finding in comparison.findings),
        ]
        if not comparison.passed:
            pytest.fail(str(comparison), pytrace=False)

    return check
