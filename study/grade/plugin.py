"""A pytest plugin for courses: the fixture ``grade`` fails with what `twinformer grade` would say.

Nothing is imported before a test asks for it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def grade() -> Callable[..., None]:
    """A function that grades a file, and fails where it is not right.

    def test_my_heads(grade):
        grade("my_heads.py", part="multi_head")
    """
    from study.grade.grade import grade as graded
    from study.grade.report import as_text

    def check(
        path: str | Path, part: str | None = None, framework: str | None = None, name: str | None = None
    ) -> None:
        result = graded(Path(path), part, framework, name)
        if not result.passed:
            pytest.fail(as_text(result), pytrace=False)

    return check
