"""The checks of annotations, which the tests have and users have not."""

from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping


@contextmanager
def annotations_unchecked() -> Iterator[None]:
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
