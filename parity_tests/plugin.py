"""A pytest plugin: the fixture ``parity`` compares two models and fails with the report.

Nothing is imported before a test asks for it.
"""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def parity() -> Callable[..., None]:
    """A function that takes what `pair.compare` takes, and fails with its report where the models diverge.

    def test_port(parity):
        parity(reference, candidate, inputs, weights=TABLE)
    """
    from parity_tests.pair import compare

    def check(*pair: Any, **settings: Any) -> None:
        comparison = compare(*pair, **settings)
        if not comparison.passed:
            pytest.fail(str(comparison), pytrace=False)

    return check
