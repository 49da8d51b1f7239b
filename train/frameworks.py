"""The frameworks by name."""

from types import ModuleType

from train import jax_loop, torch_loop
from train.config import Framework

LOOPS: dict[Framework, ModuleType] = {"jax": jax_loop, "torch": torch_loop}
