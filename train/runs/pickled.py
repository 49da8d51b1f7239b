"""PyTorch's pickles of tensors, read without PyTorch: nothing that they say is run, or believed unchecked.

A pickle's program makes a table of tensors by a few named functions; here they make records of where each
tensor lies. Both formats are read: a zip archive, and what PyTorch wrote before 1.6.
"""

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from train.runs.safetensors_header import HEADER, NAME, WIDTHS, Stored

MAGIC = 0x1950A86A20F9469CFC6C  # begins a file of the older format
SPARE = 1 << 16  # small files have numbers larger than themselves: of the format, of the machine
STORAGES = {
    "FloatStorage": "F32",
    "DoubleStorage": "F64",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}


class Storage(NamedTuple):
    """Numbers side by side, which tensors are views of."""

    key: str
    dtype: str
    length: int
    """How many numbers."""


@dataclass(frozen=True)
class View:
    """One tensor: where it lies in its storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Pickled:
    """The tensors of a file, and how their bytes are read."""

    views: dict[str, View]
    content: Callable[[str], bytes]
    """The bytes of a storage."""

    def header(self) -> dict[str, Stored]:
        """Dtypes and shapes, as a safetensors file has them."""
        return {name: Stored(view.storage.dtype, view.shape, 0) for name, view in self.views.items()}

    def read(self, name: str) -> tuple[str, np.ndarray]:
        """A tensor's dtype and its numbers, as whole numbers of their width: see `tensor_files.numbers`."""
        view = self.views[name]
        width = WIDTHS[view.storage.dtype]
        flat = np.frombuffer(self.content(view.storage.key), f"<u{width}", view.storage.length)
        strides = [stride * width for stride in view.strides]
        return view.storage.dtype, np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, strides)


def open_pickle(path: Path) -> Pickled:
    """The tensors of a pickle. Raises ValueError or OSError in one line where it is anything else."""
    if not path.is_file():
        raise ValueError("it is no plain file")
    try:
        return _zipped(path) if zipfile.is_zipfile(path) else _older(path)
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, LookupError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    except (TypeError, AttributeError, RecursionError, NotImplementedError) as error:
        raise ValueError(f"its program fails: {error}") from error


def _zipped(path: Path) -> Pickled:
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    if any(info.compress_type != zipfile.ZIP_STORED for info in entries.values()):
        raise ValueError("its archive is compressed, which PyTorch's are not")
    if sum(info.file_size for info in entries.values()) > size:
        raise ValueError("its archive holds more than the file has bytes")
    if "data.pkl" not in entries:
        raise ValueError("its archive has no data.pkl")

    def content(name: str) -> bytes:
        with zipfile.ZipFile(path) as archive:
            return archive.read(entries[name])

    if "byteorder" in entries and content("byteorder") != b"little":
        raise ValueError("its numbers are not little-endian")
    if entries["data.pkl"].file_size > HEADER:
        raise ValueError(f"its table of tensors has {entries['data.pkl'].file_size:,} bytes")
    views = _views(_run(io.BytesIO(content("data.pkl")), size))
    for view in views.values():
        entry = entries.get(f"data/{view.storage.key}")
        if entry is None or entry.file_size < view.storage.length * WIDTHS[view.storage.dtype]:
            raise ValueError(f"its storage {view.storage.key[:NAME]!a} is missing or too short")
    return Pickled(views, lambda key: content(f"data/{key}"))


def _older(path: Path) -> Pickled:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = io.BytesIO(file.read(HEADER))
    if _run(start, size) != MAGIC:
        raise ValueError("it is no file of PyTorch's")
    _run(start, size), _run(start, size)  # the protocol, and the machine
    views = _views(_run(start, size))
    keys = _run(start, size)
    if not isinstance(keys, list):
        raise ValueError("it has no list of storages")
    storages = {view.storage.key: view.storage for view in views.values()}
    places, place = dict[str, tuple[int, int]](), start.tell()
    for key in keys:
        if key not in storages:
            raise ValueError(f"no tensor lies in its storage {str(key)[:NAME]!a}")
        length = storages[key].length * WIDTHS[storages[key].dtype]
        places[key] = place + 8, length  # behind the count
        place += 8 + length
    if place > size or places.keys() != storages.keys():
        raise ValueError("its storages are not all there")

    def content(key: str) -> bytes:
        with path.open("rb") as file:
            file.seek(places[key][0])
            return file.read(places[key][1])

    return Pickled(views, content)


def _run(file: io.BytesIO, size: int) -> Any:
    """What the pickle at the file's place makes, of records alone.

    It is read over first: no number in it may be much larger than the file, because it would be a size or a
    place.
    """
    begin = file.tell()
    for _, argument, _ in pickletools.genops(file):
        if isinstance(argument, int) and argument != MAGIC and abs(argument) > size + SPARE:
            raise ValueError(f"it holds the number {str(argument)[:30]}, and has {size:,} bytes")
    file.seek(begin)
    return _Records(file).load()


class _Records(pickle.Unpickler):
    """An unpickler that knows a few names, and makes records for them."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, strides, *_: View(
                storage, offset, shape, strides
            ),
            ("torch._utils", "_rebuild_parameter"): lambda view, *_: view,
            ("torch._utils", "_rebuild_parameter_with_state"): lambda view, *_: view,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(
                f"it holds more than tensors ({module[:NAME]}.{name[:NAME]}), and was not run"
            )
        return known[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _, count, *_ = pid
        if kind != "storage" or dtype not in WIDTHS or not isinstance(key, str) or type(count) is not int:
            raise pickle.UnpicklingError("it names a storage that is none")
        return Storage(key, dtype, count)


def _views(made: Any) -> dict[str, View]:
    """The tensors by name, each within its storage. Raises ValueError."""
    if not isinstance(made, dict) or not made:
        raise ValueError(f"it holds {type(made).__name__}, and no tensors by name")
    for name, view in made.items():
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= NAME:
            raise ValueError(f"{str(name)[:NAME]!a} is no name of a tensor")
        if not isinstance(view, View) or not isinstance(view.storage, Storage):
            raise ValueError(f"its {name} is no tensor")
        places = (view.shape, view.strides)
        numbers = [view.offset, *(one for place in places if isinstance(place, tuple) for one in place)]
        if not all(isinstance(place, tuple) for place in places) or len(view.shape) != len(view.strides):
            raise ValueError(f"its {name} has no shape")
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"its {name} has a shape that is none")
        count = int(np.prod([int(length) for length in view.shape], dtype=object))
        last = sum((n - 1) * stride for n, stride in zip(view.shape, view.strides, strict=True))
        if count > view.storage.length or (count and view.offset + last >= view.storage.length):
            raise ValueError(f"its {name} of shape {view.shape} is larger than its storage")
    return dict(made)
