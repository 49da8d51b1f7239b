"""The frameworks by name, and what a model's checkpoint must hold."""

from types import ModuleType
from typing import Any

import jax
from flax.traverse_util import flatten_dict

from train import jax_loop, torch_loop
from train.jax_families import FAMILIES

LOOPS: dict[str, ModuleType] = {"jax": jax_loop, "torch": torch_loop}


def parameter_shapes(family: str, arguments: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a model's parameters in Flax's layout, without drawing them."""
    init = jax_loop.build_model(family, arguments).init
    variables = jax.eval_shape(init, jax.random.key(0), *FAMILIES[family].inputs())
    return {name: leaf.shape for name, leaf in flatten_dict(variables["params"], sep="/").items()}
