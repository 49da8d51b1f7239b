"""PyTorch's numerics in a comparison, set here and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch


def torch_device(dtype: str, foreign: bool = False) -> torch.device:
    """The GPU where there is one; the CPU for float64, as in JAX, and for a model that others wrote."""
    on_cpu = foreign or dtype == "float64" or not torch.cuda.is_available()
    return torch.device("cpu" if on_cpu else "cuda")


@contextmanager
def torch_numerics(dtype: str, foreign: bool = False) -> Iterator[None]:
    """PyTorch made ready for a precision; what was set comes back at the end.

    Products of float32 are in float32, not in TF32, and sums of bfloat16 in float32, as JAX has them. There
    are gradients, whatever the caller has set. In a ``foreign`` model, which others wrote, new tensors
    (torch.zeros) have the precision by default, as in JAX; ours have to say it; and what is compiled runs op
    by op, so that its parts are heard and nobody waits for the compiler.
    """
    matmul = torch.backends.cuda.matmul
    precision, reduced = torch.get_float32_matmul_precision(), matmul.allow_bf16_reduced_precision_reduction
    default = torch.get_default_dtype()
    torch.set_float32_matmul_precision("highest")
    matmul.allow_bf16_reduced_precision_reduction = False
    torch.set_default_dtype(getattr(torch, dtype) if foreign else default)
    stance = torch.compiler.set_stance("force_eager") if foreign else nullcontext()
    try:
        with torch.inference_mode(False), torch.enable_grad(), stance:
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        matmul.allow_bf16_reduced_precision_reduction = reduced
        torch.set_default_dtype(default)
