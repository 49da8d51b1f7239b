"""Reading the tensors of a checkpoint folder as Hugging Face writes it: whole or in shards."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from train.runs.checkpoint import CheckpointError

REMEDY = "download the folder again"


def read_tensors(folder: Path) -> dict[str, np.ndarray]:
    """The tensors of ``model.safetensors``, else of ``pytorch_model.bin``, or of the shards of either.

    Numbers narrower than float32, and wider, become float32. Nothing in a file is executed.

    Raises:
        CheckpointError: no such file, a damaged one, a missing shard, or one that holds more than tensors.
    """
    for name, read in READERS.items():
        index = folder / f"{name}.index.json"
        if (folder / name).is_file():
            return _arrays(_open(folder / name, read))
        if index.is_file():
            return _arrays(_shards(index, read))
    raise CheckpointError(
        f"{folder} holds no {' and no '.join(READERS)}, whole or in shards: check the folder"
    )


def _shards(index: Path, read: Callable[[Path], dict[str, Tensor]]) -> dict[str, Tensor]:
    try:
        places: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{index} is damaged ({error!r}): {REMEDY}") from error
    files = sorted(set(places.values()))
    for name in files:
        if not (index.parent / name).is_file():
            raise CheckpointError(
                f"{index.parent / name} is missing, a shard that {index.name} names: {REMEDY}"
            )
    tensors: dict[str, Tensor] = {}
    for name in files:
        tensors |= _open(index.parent / name, read)
    if lost := sorted(places.keys() - tensors.keys()):
        raise CheckpointError(
            f"{index} names {lost[0]} and {len(lost) - 1} more that no shard holds: {REMEDY}"
        )
    return tensors


def _open(path: Path, read: Callable[[Path], dict[str, Tensor]]) -> dict[str, Tensor]:
    try:
        return read(path)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, or is damaged; it was not run: {REMEDY}"
        ) from error
    except (SafetensorError, RuntimeError, EOFError, OSError) as error:
        raise CheckpointError(f"{path} is damaged ({error}): {REMEDY}") from error


def _pickled(path: Path) -> dict[str, Tensor]:
    return torch.load(path, map_location="cpu", weights_only=True)


def _arrays(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).numpy()
        for name, tensor in tensors.items()
    }


# In order of preference.
READERS: dict[str, Callable[[Path], dict[str, Tensor]]] = {
    "model.safetensors": load_file,
    "pytorch_model.bin": _pickled,
}
