"""The models of a run, in either framework."""

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict

from train import jax_loop, torch_loop

LOOPS: dict[str, ModuleType] = {"jax": jax_loop, "torch": torch_loop}


def build_model(framework: str, arguments: dict[str, Any]) -> Any:
    """The text classifier of a framework; its weights come separately."""
    return LOOPS[framework].TextClassifier(**arguments)


def parameter_shapes(arguments: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a model's parameters in Flax's layout, without drawing them."""
    ids = jnp.zeros((1, 1), jnp.int32)
    variables = jax.eval_shape(build_model("jax", arguments).init, jax.random.key(0), ids, ids == 0)
    return {name: leaf.shape for name, leaf in flatten_dict(variables["params"], sep="/").items()}
