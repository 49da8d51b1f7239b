"""A pytest plugin: the fixture ``parity`` compares two models and fails with the report.

Nothing is imported before a test asks for it.
"""

from typing import Any, Protocol

import pytest


class Parity(Protocol):
    """Takes what `parity_tests.pair.compare` takes."""

    def __call__(
        self, reference: Any, candidate: Any, inputs: Any, weights: Any, **settings: Any
    ) -> None: ...


@pytest.fixture
def parity() -> Parity:
    """Fail, with the report as the message, where two models part.

    def test_port(parity):
        parity(reference, candidate, inputs, weights=TABLE)
    """
    from parity_tests.pair import compare

    def check(reference: Any, candidate: Any, inputs: Any, weights: Any, **settings: Any) -> None:
        comparison = compare(reference, candidate, inputs, weights, **settings)
        if not comparison.passed:
            pytest.fail(str(comparison), pytrace=False)

    return check
