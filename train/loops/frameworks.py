"""The frameworks by name."""

from types import ModuleType

from train.config import Framework
from train.loops import jax_loop, torch_loop

LOOPS: dict[Framework, ModuleType] = {"jax": jax_loop, "torch": torch_loop}
