"""Checkpoints: weights and moments in Flax's names and layout, whichever framework wrote them.

Each holds the digests of its tensors, and of the files of the run that it belongs to: what is read is what
was saved.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from train.runs import digests
from train.runs.durable import replacing
from train.runs.errors import CheckpointError as CheckpointError
from train.runs.errors import RunError
from train.runs.safetensors_header import Stored, header
from train.runs.untrusted import parse_json, read_json
from train.sizes import impossible

Arrays = dict[str, np.ndarray]
NAME = "checkpoint.safetensors"
TRAIN_AGAIN = "put back files that were written together, or train the run again"


class State(NamedTuple):
    """A run between two steps. Batches, dropout and learning rates follow from the number of the step."""

    params: Arrays
    moments: dict[str, Arrays]
    """What the optimizer keeps, by kind, each like ``params``."""
    step: int
    """How many have been taken."""
    fingerprint: str = ""
    """Of what the run trains on: `fit.fingerprint`."""
    metrics: dict[str, Any] | None = None
    """How much of metrics.jsonl was written by then: `metrics.Log.state`. None before version 0.2."""


def save(folder: Path, groups: Mapping[str, Arrays], about: Mapping[str, Any], keep: int = 1) -> None:
    """Write ``groups`` of flat arrays and ``about`` (as JSON) into a folder.

    A group is "params", or a moment: "mean" and "square" of Adam, "momentum" of SGD. The file takes the place
    of the one before when it is whole and on the disk; ``about`` is in the same file, so that the two never
    belong to different steps. Of those before, ``keep`` - 1 stay, as checkpoint-STEP.safetensors.

    Raises OSError where it cannot be written; the one before then stays as it is.
    """
    flat = {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}
    versions = {name: version(name) for name in ("jax", "flax", "optax", "torch", "numpy")}
    tensors = {name: digests.of_array(array) for name, array in flat.items()}
    whole = digests.sealed({**about, "versions": versions, "tensors": tensors})
    path = folder / NAME
    with replacing(path) as partial:
        write_tensors(partial, flat, {"about": json.dumps(whole)})
        _keep(path, keep - 1)


def write_tensors(path: Path, arrays: Arrays, metadata: dict[str, str]) -> None:
    """Write a safetensors file. Raises OSError where that cannot be done."""
    try:
        save_file(arrays, path, metadata)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number[1]) if number else errno.EIO, str(error)) from error


def _keep(path: Path, number: int) -> None:
    """Give the checkpoint that is there a name of its own, and remove all but so many of those."""
    if number and path.is_file():
        own = path.with_name(f"checkpoint-{read_about(path).get('step', 0)}.safetensors")
        own.unlink(missing_ok=True)
        try:
            os.link(path, own)
        except OSError:  # a file system without links
            shutil.copyfile(path, own)
    for old in older(path.parent)[number:]:
        old.unlink()


def older(folder: Path) -> list[Path]:
    """The earlier checkpoints that were kept, the last one first."""
    found = folder.glob("checkpoint-*.safetensors")
    return sorted((path for path in found if _step_in(path) >= 0), key=_step_in, reverse=True)


def _step_in(path: Path) -> int:
    digits = path.stem.removeprefix("checkpoint-")
    return int(digits) if digits.isdecimal() else -1


def read_about(path: Path) -> dict[str, Any]:
    """What is said about a checkpoint, unchanged since; its arrays are not read. Raises CheckpointError."""
    return _open(path, ())[1]


def read_whole(path: Path) -> dict[str, Any]:
    """The same, and every array is as it was saved. Raises CheckpointError."""
    return _open(path, None)[1]


def refuse_unlike(folder: Path, model: Any, run: Path) -> None:
    """Raise CheckpointError where a model of these settings cannot have the weights in a folder.

    The file's header says so, before anything is built.
    """
    path = folder / NAME
    shapes = {name: one.shape for name, one in _header(path).items() if name.startswith("params/")}
    if setting := impossible(model, shapes):
        raise CheckpointError(
            f"{run / 'model.json'} says {setting}, more than {path} with {len(shapes):,} tensors can be of; "
            "put back files that were written together"
        )


def load(folder: Path, expected: Mapping[str, tuple[int, ...]], run: Path | None = None) -> Arrays:
    """The weights in a folder, flat, after a check against the names and shapes of the model.

    ``run`` is the folder whose files belong to the weights; they have to be those that were there.

    Raises CheckpointError: no checkpoint there, a damaged or changed one, or one of another model.
    """
    return _read(folder, ("params",), expected, run)[0]["params"]


def load_state(
    folder: Path, expected: Mapping[str, tuple[int, ...]], kinds: Iterable[str], run: Path | None = None
) -> State:
    """All that a run goes on from, checked likewise; ``kinds`` names its optimizer's moments."""
    groups, about = _read(folder, ("params", *kinds), expected, run)
    if "step" not in about:
        raise CheckpointError(f"{folder} holds weights that no run here was training: nothing to resume")
    step = about["step"]
    if type(step) is not int or step < 0:
        raise CheckpointError(f"{folder / NAME} is damaged (step {step!r}): {TRAIN_AGAIN}")
    return State(groups.pop("params"), groups, step, about.get("fingerprint", ""), about.get("metrics"))


def _read(
    folder: Path, groups: Iterable[str], expected: Mapping[str, tuple[int, ...]], run: Path | None
) -> tuple[dict[str, Arrays], dict[str, Any]]:
    """Some groups of arrays of a checkpoint, and what is said about it."""
    path = folder / NAME
    found, about = _open(path, groups)
    if run is not None:
        check_files(path, about, run)
    for group, arrays in found.items():
        check(arrays, expected, f"{group} in {path} are of another model than the run's model.json")
    return found, about


def _open(path: Path, groups: Iterable[str] | None) -> tuple[dict[str, Arrays], dict[str, Any]]:
    """`_read` without a model to hold it against; None is all groups there are."""
    keys = _header(path)
    found: dict[str, Arrays] = {group: {} for group in groups or ()}
    try:
        with safe_open(path, "numpy") as file:
            about = parse_json((file.metadata() or {}).get("about", "{}"))
            check_about(path, about, keys)
            for key in keys:
                group, _, name = key.partition("/")
                if groups is None:
                    _tensor(path, about, key, file.get_tensor(key))
                elif group in found:
                    found[group][name] = _tensor(path, about, key, file.get_tensor(key))
    except CheckpointError:
        raise
    except (SafetensorError, ValueError, TypeError) as error:  # TypeError: a dtype that numpy does not have
        raise CheckpointError(f"{path} is damaged ({error}): {_remedy(path)}") from error
    return found, about


def _header(path: Path) -> dict[str, Stored]:
    """What the file says that it holds. Raises CheckpointError."""
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {path}: train a run first, or check the folder")
    return header(path, _remedy(path))


def _remedy(path: Path) -> str:
    """What to do about a checkpoint that is damaged."""
    if kept := older(path.parent):
        return f"{kept[0].name} was saved before it; rename that to {NAME}"
    return "train the run again"


def check_about(path: Path, about: Any, keys: Iterable[str]) -> None:
    """Raise CheckpointError unless it is whole and lists the tensors that are there.

    Before version 0.2 nothing was digested.
    """
    if not isinstance(about, dict):
        raise CheckpointError(f"{path} is damaged (it says {about!r:.60} about itself): {TRAIN_AGAIN}")
    if digests.SEAL not in about and "tensors" not in about:
        return
    listed = about.get("tensors")
    if not digests.is_sealed(about) or not isinstance(listed, dict) or set(listed) != set(keys):
        raise CheckpointError(f"{path} was changed after it was saved: {TRAIN_AGAIN}")


def _tensor(path: Path, about: Mapping[str, Any], key: str, array: np.ndarray) -> np.ndarray:
    """The array, if it is the one that was saved."""
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise CheckpointError(f"{key} in {path} holds {array.dtype}, where weights belong: {TRAIN_AGAIN}")
    if "tensors" in about and about["tensors"][key] != digests.of_array(array):
        raise CheckpointError(f"{key} in {path} was changed after it was saved: {TRAIN_AGAIN}")
    if not np.isfinite(array).all():
        raise CheckpointError(f"{key} in {path} holds numbers that are not finite: {TRAIN_AGAIN}")
    return array


def check_files(path: Path, about: Mapping[str, Any], run: Path) -> None:
    """Raise CheckpointError unless the run's files are those that the checkpoint was saved with."""
    files = about.get("files")
    if files is None and digested(run):
        raise CheckpointError(f"{path} has lost its digests, so it was written anew: {TRAIN_AGAIN}")
    for name, digest in (files or {}).items():
        if digests.of_files(run, [name]).get(name) != digest:
            raise CheckpointError(
                f"{run / name} is not the file that {path} was saved with: bring that one back"
            )


def digested(run: Path) -> bool:
    """Whether a run is of a version that digests its checkpoints: its model.json says so."""
    try:
        return bool(read_json(run / "model.json").get("schema", 1) > 2)
    except (RunError, TypeError):
        return True


def check(params: Arrays, expected: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Raise CheckpointError, which begins with ``where``, unless names and shapes are as expected."""
    for name in sorted(expected.keys() | params.keys()):
        found, wanted = params[name].shape if name in params else None, expected.get(name)
        if found != wanted:
            raise CheckpointError(
                f"{where}: {name} has shape {found} there, but {wanted} in the model; put back files that "
                "were written together"
            )
