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


def compiler_options() -> dict[str, bool]:
    """What XLA is told of a program that is compared, as far as it is no setting of JAX.

    It may not leave out roundings to bfloat16 between operations, as it does by default: PyTorch has all.
    Where it leaves out optimisations, its emitters of fused loops are left out too, half of the time that is
    left; JAX's versions after 0.10 have no such option.
    """
    options = {"xla_allow_excess_precision": False}
    if jax.config.read("jax_disable_most_optimizations") and jax.__version_info__[:2] == (0, 10):
        options["xla_cpu_use_fusion_emitters"] = False
    return options
