"""Where the frameworks compute in a comparison, and how exactly matrices are multiplied there."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import torch


def torch_device(dtype: str) -> torch.device:
    """The GPU where there is one; for float64 the CPU, as in JAX: it is what the others are held against."""
    return torch.device("cuda" if dtype != "float64" and torch.cuda.is_available() else "cpu")


@contextmanager
def exact_matmuls() -> Iterator[None]:
    """Products of float32 in float32, not in TF32, and sums of bfloat16 in float32, as JAX has them.

    Both are settings of the whole process; what they were comes back at the end.
    """
    matmul = torch.backends.cuda.matmul
    precision, reduced = torch.get_float32_matmul_precision(), matmul.allow_bf16_reduced_precision_reduction
    torch.set_float32_matmul_precision("highest")
    matmul.allow_bf16_reduced_precision_reduction = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        matmul.allow_bf16_reduced_precision_reduction = reduced


@contextmanager
def jax_numerics(dtype: str) -> Iterator[None]:
    """JAX made ready for a precision: float64 on the CPU, which accelerators may lack; no TF32."""
    with (
        jax.default_device(jax.devices("cpu")[0] if dtype == "float64" else None),
        jax.enable_x64(dtype == "float64"),
        jax.default_matmul_precision("highest"),
    ):
        yield
