"""Mutants of a model: the same mistake in both twins, or in one."""

from parity_tests.tests.mutants.mutant import Edit, Mutant

TWINS = "parity_tests/tests/twins"
LEDGER = f"{TWINS}/test_dropout_ledger.py"
TORCH_DRAWS = f"{LEDGER}::test_pytorch_draws_what_is_in_the_ledger_and_nothing_else"
JAX_DRAWS = f"{LEDGER}::test_jax_draws_what_is_in_the_ledger_and_nothing_else"


def alike(
    name: str, file: str, old: str, new: str, *tests: str, torch: tuple[str, str] | None = None
) -> Mutant:
    """In ``file`` of both twins, in PyTorch's by other words where they differ."""
    jax_edit = Edit(f"jax_impl/{file}.py", old, new)
    return Mutant(name, (jax_edit, Edit(f"torch_impl/{file}.py", *(torch or (old, new)))), tests)


def draws(name: str) -> tuple[str, str]:
    """Both frameworks' ledger of a model's draws, at its first settings."""
    return f"{TORCH_DRAWS}[{name}-{{}}]", f"{JAX_DRAWS}[{name}-{{}}]"


def pytorch_s(name: str) -> str:
    """PyTorch's own layers in training, under our masks."""
    test = "test_our_masks_in_pytorch_s_layers_give_our_numbers_and_gradients"
    return f"{TWINS}/test_dropout_references.py::{test}[{name}]"


def hugging_face_s(name: str) -> str:
    """One of Hugging Face's models in training, under our masks."""
    test = "test_our_masks_in_hugging_face_s_models_give_our_numbers_and_gradients"
    return f"{TWINS}/test_dropout_hugging_face.py::{test}[{name}]"
