"""Checkpoints: weights and moments in Flax's names and layout, whichever framework wrote them."""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from train.config import write_json
from train.runs.errors import CheckpointError

Arrays = dict[str, np.ndarray]


class State(NamedTuple):
    """A run between two steps. Batches, dropout and learning rates follow from the number of the step."""

    params: Arrays
    moments: dict[str, Arrays]
    """What the optimizer keeps, by kind, each like ``params``."""
    step: int
    """How many have been taken."""
    fingerprint: str = ""
    """Of what the run trains on: `fit.fingerprint`."""


def save(folder: Path, groups: Mapping[str, Arrays], about: Mapping[str, Any]) -> None:
    """Write ``groups`` of flat arrays and ``about`` (as JSON) into a folder.

    A group is "params", or a moment: "mean" and "square" of Adam, "momentum" of SGD. The arrays are
    written aside and moved into place, so that a full disk costs no older checkpoint; ``about`` is in
    the same file too, so that the two never belong to different steps.
    """
    flat = {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}
    partial = folder / "checkpoint.safetensors.partial"
    save_file(flat, partial, {"about": json.dumps(about)})
    partial.replace(folder / "checkpoint.safetensors")
    versions = {name: version(name) for name in ("jax", "flax", "optax", "torch", "numpy")}
    write_json(folder / "checkpoint.json", {**about, "versions": versions})


def load(folder: Path, expected: Mapping[str, tuple[int, ...]]) -> Arrays:
    """The weights in a folder, flat, after a check against the names and shapes of the model.

    Raises CheckpointError: no checkpoint there, a damaged one, or one of another model.
    """
    return _read(folder, ("params",), expected)[0]["params"]


def load_state(folder: Path, expected: Mapping[str, tuple[int, ...]], kinds: Iterable[str]) -> State:
    """All that a run goes on from, checked likewise; ``kinds`` names its optimizer's moments."""
    groups, about = _read(folder, ("params", *kinds), expected)
    if "step" not in about:
        raise CheckpointError(f"{folder} holds weights that no run here was training: nothing to resume")
    return State(groups.pop("params"), groups, about["step"], about.get("fingerprint", ""))


def _read(
    folder: Path, groups: Iterable[str], expected: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, Arrays], dict[str, Any]]:
    """Some groups of arrays of a checkpoint, and what is said about it."""
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {path}: train a run first, or check the folder")
    found: dict[str, Arrays] = {group: {} for group in groups}
    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {}).get("about", "{}"))
            for key in file.keys():  # noqa: SIM118 (it is no dictionary)
                group, name = key.split("/", 1)
                if group in found:
                    found[group][name] = file.get_tensor(key)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged ({error}): train the run again") from error
    for group, arrays in found.items():
        check(arrays, expected, f"{group} in {path} are of another model than the run's model.json")
    return found, about


def check(params: Arrays, expected: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Raise CheckpointError, which begins with ``where``, unless names and shapes are as expected."""
    for name in sorted(expected.keys() | params.keys()):
        found, wanted = params[name].shape if name in params else None, expected.get(name)
        if found != wanted:
            raise CheckpointError(
                f"{where}: {name} has shape {found} there, but {wanted} in the model; put back files that "
                "were written together"
            )
