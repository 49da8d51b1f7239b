"""The frameworks by name."""

from types import ModuleType

from train import jax_loop, torch_loop

LOOPS: dict[str, ModuleType] = {"jax": jax_loop, "torch": torch_loop}
