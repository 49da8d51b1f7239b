"""A model as a program of JAX: StableHLO for every size of batch and length, and its weights beside it.

They are arguments of the program. Inside of it they would be constants, which XLA would go through again for
each shape that it compiles, and no more than 2 GB could be kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict
from jax import export

from train.architecture import Architecture
from train.loops.backend import Arrays
from train.loops.jax_loop import build_model
from train.programs.about import WORDS

PROGRAM, WEIGHTS = "model.stablehlo", "weights.npz"
PLATFORMS = ("cpu", "cuda", "tpu")


def write(architecture: Architecture, params: Arrays, folder: Path) -> None:
    """Write the program of (weights, ids, mask), and the weights. Raises OSError where they cannot be."""
    model, words = build_model(architecture), architecture.name == WORDS

    def outputs(weights: dict[str, Any], ids: jax.Array, mask: jax.Array) -> Any:
        every = jnp.broadcast_to(jnp.arange(ids.shape[1], dtype=jnp.int32), ids.shape)
        inputs = (ids, mask, every) if words else (ids, mask)
        return model.apply({"params": unflatten_dict(weights, sep="/")}, *inputs)

    limits = ("batch >= 1", "position >= 1", f"position <= {architecture.config.max_positions}")
    sizes = export.symbolic_shape("batch, position", constraints=limits)
    weights = {name: jax.ShapeDtypeStruct(array.shape, array.dtype) for name, array in params.items()}
    inputs = (jax.ShapeDtypeStruct(sizes, jnp.int32), jax.ShapeDtypeStruct(sizes, jnp.bool))
    with _files_by_name():
        program = export.export(jax.jit(outputs), platforms=PLATFORMS)(weights, *inputs)
    (folder / PROGRAM).write_bytes(program.serialize())
    with (folder / WEIGHTS).open("wb") as file:
        np.savez(file, allow_pickle=False, **params)


@contextmanager
def _files_by_name() -> Iterator[None]:
    """A program says of each operation where it was written: without the folders of this machine."""
    setting = "jax_hlo_source_file_canonicalization_regex"
    before = getattr(jax.config, setting)
    jax.config.update(setting, r".*[/\\]")
    try:
        yield
    finally:
        jax.config.update(setting, before)
