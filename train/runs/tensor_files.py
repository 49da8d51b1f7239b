"""The tensors of a folder as Hugging Face writes it, whole or in shards, judged before they are read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.runs.errors import CheckpointError, RunError
from train.runs.pickled import open_pickle
from train.runs.safetensors_header import HEADER, NAME, WIDTHS, Stored, header
from train.runs.untrusted import read_json

REMEDY = "download the folder again"
Read = Callable[[str], tuple[str, np.ndarray]]
"""A tensor's dtype and its numbers, as whole numbers of their width."""


@dataclass(frozen=True)
class TensorFiles:
    """What a folder holds: known from its headers; the tensors are read when they are asked for."""

    header: dict[str, Stored]
    files: dict[str, Read]
    """By the tensor's name."""

    def read(self) -> dict[str, np.ndarray]:
        """All tensors. Numbers narrower than float32, and wider, become float32."""
        return {name: numbers(*self.files[name](name)) for name in self.header}


def open_tensors(folder: Path) -> TensorFiles:
    """The tensors of ``model.safetensors``, else of ``pytorch_model.bin``, or of the shards of either.

    Nothing in a file is executed.

    Raises:
        CheckpointError: no such file, a damaged one, a missing shard, or one that holds more than tensors.
    """
    for name, opened in READERS.items():
        index = folder / f"{name}.index.json"
        if (folder / name).exists():
            return _together([opened(folder / name)], folder)
        if index.exists():
            return _shards(index, opened)
    raise CheckpointError(
        f"{folder} holds no {' and no '.join(READERS)}, whole or in shards: check the folder"
    )


def numbers(dtype: str, stored: np.ndarray) -> np.ndarray:
    """The numbers of a tensor that is stored as whole numbers of its width; floats become float32."""
    if dtype == "BF16":
        return np.asarray(stored.astype(np.uint32) << 16).view(np.float32)
    width = WIDTHS[dtype]
    if dtype in ("F64", "F32", "F16"):
        with np.errstate(over="ignore"):  # what is too large is infinite then, and refused for it
            return np.asarray(stored, order="C").view(f"<f{width}").astype(np.float32, copy=False)
    return np.asarray(stored, order="C").view(f"<{'i' if dtype[0] == 'I' else 'u'}{width}")


def _shards(index: Path, opened: Callable[[Path], TensorFiles]) -> TensorFiles:
    try:
        places = read_json(index, HEADER).get("weight_map")
    except RunError as error:
        raise CheckpointError(f"{error}: {REMEDY}") from error
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise CheckpointError(f"{index} is damaged: it has no weight_map of tensors to files: {REMEDY}")
    files = sorted(set(places.values()))
    for name in files:
        if Path(name).name != name or name == ".." or "\\" in name or not name.isprintable():
            raise CheckpointError(
                f"{index} names the shard {name[:NAME]!a}, which is no file beside it; nothing was read"
            )
        if not (index.parent / name).is_file():
            raise CheckpointError(
                f"{index.parent / name} is missing, a shard that {index.name} names: {REMEDY}"
            )
    found = _together([opened(index.parent / name) for name in files], index)
    if lost := sorted(places.keys() - found.header.keys()):
        raise CheckpointError(
            f"{index} names {lost[0][:NAME]!a} and {len(lost) - 1} more that no shard holds: {REMEDY}"
        )
    return found


def _together(parts: list[TensorFiles], where: Path) -> TensorFiles:
    whole = TensorFiles({}, {})
    for part in parts:
        if twice := sorted(whole.header.keys() & part.header.keys()):
            raise CheckpointError(f"{where}: two shards hold {twice[0]}: {REMEDY}")
        whole = TensorFiles(whole.header | part.header, whole.files | part.files)
    return whole


def _safetensors(path: Path) -> TensorFiles:
    found = header(path, REMEDY)

    def read(name: str) -> tuple[str, np.ndarray]:
        stored = found[name]
        width, count = WIDTHS[stored.dtype], int(np.prod(stored.shape, dtype=np.int64))
        return stored.dtype, np.fromfile(path, f"<u{width}", count, offset=stored.begin).reshape(stored.shape)

    return TensorFiles(found, dict.fromkeys(found, read))


def _pickle(path: Path) -> TensorFiles:
    try:
        opened = open_pickle(path)
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path} is damaged, or no file of tensors ({reason}): {REMEDY}") from error
    return TensorFiles(opened.header(), dict.fromkeys(opened.views, opened.read))


# In order of preference.
READERS: dict[str, Callable[[Path], TensorFiles]] = {
    "model.safetensors": _safetensors,
    "pytorch_model.bin": _pickle,
}
