"""XLA told to compile quickly, for programs that run once or twice on a few rows."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def quickly_compiled() -> Iterator[None]:
    """XLA leaves out what makes programs fast.

    The float64 numbers of a comparison are those of another program than a run's float32 ones in any case.
    """
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)
