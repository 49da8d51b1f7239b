"""Checkpoints: weights and moments in Flax's names and layout, whichever framework wrote them."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from train.config import write_json

Arrays = dict[str, np.ndarray]


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names it, the reason and the remedy."""


def save(folder: Path, groups: Mapping[str, Arrays], about: Mapping[str, Any]) -> None:
    """Write ``groups`` of flat arrays and ``about`` (as JSON) into a folder.

    A group is "params", or a moment: "mean" and "square" of Adam, "momentum" of SGD. The arrays are
    written aside and moved into place, so that a full disk costs no older checkpoint.
    """
    flat = {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}
    partial = folder / "checkpoint.safetensors.partial"
    save_file(flat, partial)
    partial.replace(folder / "checkpoint.safetensors")
    versions = {name: version(name) for name in ("jax", "flax", "optax", "torch", "numpy")}
    write_json(folder / "checkpoint.json", {**about, "versions": versions})


def load(folder: Path, expected: Mapping[str, tuple[int, ...]]) -> Arrays:
    """The weights in a folder, flat, after a check against the names and shapes of the model.

    Raises CheckpointError: no checkpoint there, a damaged one, or one of another model.
    """
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {path}: train a run first, or check the folder")
    try:
        arrays = load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged ({error}): train the run again") from error
    params = {name.removeprefix("params/"): a for name, a in arrays.items() if name.startswith("params/")}
    check(params, expected, f"{path} is of another model than the run's model.json")
    return params


def check(params: Arrays, expected: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Raise CheckpointError, which begins with ``where``, unless names and shapes are as expected."""
    for name in sorted(expected.keys() | params.keys()):
        found, wanted = params[name].shape if name in params else None, expected.get(name)
        if found != wanted:
            raise CheckpointError(
                f"{where}: {name} has shape {found} there, but {wanted} in the model; put back files that "
                "were written together"
            )
