"""JAX's numerics in a comparison, set here and nowhere else."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import jax


@contextmanager
def jax_numerics(dtype: str, foreign: bool = False) -> Iterator[None]:
    """JAX made ready for a precision: float64 on the CPU, which accelerators may lack; no TF32.

    A ``foreign`` model, which others wrote, runs on the CPU in every precision, and may mix dtypes and
    ranks, as Flax's own layers do.
    """
    on_cpu = foreign or dtype == "float64"
    with ExitStack() as settings:
        settings.enter_context(jax.default_device(jax.devices("cpu")[0] if on_cpu else None))
        settings.enter_context(jax.enable_x64(dtype == "float64"))
        settings.enter_context(jax.default_matmul_precision("highest"))
        if foreign:
            settings.enter_context(jax.numpy_dtype_promotion("standard"))
            settings.enter_context(jax.numpy_rank_promotion("allow"))
        yield
