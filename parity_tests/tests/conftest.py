"""Strict settings for all tests, made before the packages are imported."""

import jax
import torch
from jaxtyping import install_import_hook

# Every annotated shape and dtype is checked in every call.
install_import_hook(["jax_impl", "torch_impl", "data", "parity_tests", "train"], "beartype.beartype")

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")
torch.use_deterministic_algorithms(True)
torch.set_num_threads(1)  # the tests run side by side, and threads that wait for each other cost more
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
