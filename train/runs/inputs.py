"""What a model takes, read off the types of its call; and what it was given, checked before it computes."""

import inspect
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

import data
from jax_impl.config import EmbeddingConfig

TOKENS = ("ids", "source", "target")  # inputs that are token ids
PACKED = ("position_ids", "text_ids", "lengths")  # how texts share rows is told by batches alone


@dataclass(frozen=True)
class Input:
    """One input of a model: its name, the names of its axes, and what it holds."""

    name: str
    axes: tuple[str, ...]
    whole: bool
    """Whole numbers, or True and False."""
    needed: bool

    def __str__(self) -> str:
        return f"{self.name}: ({', '.join(self.axes)}) {'whole numbers' if self.whole else 'True or False'}"


def inputs_of(model: Any) -> list[Input]:
    """The inputs of a Flax or PyTorch model, in its order: all but the key, the tap and `PACKED`."""
    found = []
    call = getattr(model, "forward", model.__call__)
    for name, parameter in inspect.signature(call).parameters.items():
        kind = next(iter(get_args(parameter.annotation)), parameter.annotation)  # of "Bool[...] | None" too
        if name not in ("rng", "tap", *PACKED):
            axes, whole = tuple(kind.dim_str.replace("row", "batch").split()), "bool" not in kind.dtypes
            found.append(Input(name, axes, whole, parameter.default is parameter.empty))
    return found


def checked(expected: list[Input], given: tuple[Any, ...], config: EmbeddingConfig) -> list[np.ndarray]:
    """The given inputs as arrays, whole numbers as int32.

    Raises ValueError that says what is expected and what came: too few or too many inputs, another dtype,
    other axes, sizes that do not fit each other, segments and positions that there are none of; and
    `data.DataError` on an id outside the vocabulary.
    """
    needed = sum(one.needed for one in expected)
    if not needed <= len(given) <= len(expected):
        takes = "; ".join(f"{one}" if one.needed else f"[{one}]" for one in expected)
        raise ValueError(f"{len(given)} given, but the inputs are {takes}")
    arrays, sizes = [], dict[str, tuple[int, str]]()
    for one, value in zip(expected, given, strict=False):
        array = _array(one, value)
        for axis, size in zip(one.axes, array.shape, strict=True):
            known, owner = sizes.setdefault(axis, (size, one.name))
            if size != known:
                raise ValueError(f"{one}; got shape {array.shape}, but {owner} has {axis} {known}")
        if one.name in TOKENS:
            data.check_ids(list(array), config.vocab)
        if one.name == "segment_ids":
            _check_range(one, array, getattr(config, "segments", 0))
        if one.name == "masked_positions":
            _check_range(one, array, sizes["position"][0])
        arrays.append(array)
    return arrays


def _check_range(one: Input, array: np.ndarray, limit: int) -> None:
    """Refuse a number outside a table: it is NaN in JAX, and another row's answer in PyTorch."""
    outside = array[(array < 0) | (array >= limit)]
    if len(outside):
        has = f"has 0 to {limit - 1}" if limit else "has none"
        raise ValueError(f"{one}; got {outside[0]}, but there the model {has}")


def _array(one: Input, value: Any) -> np.ndarray:
    """The value as an array of this input's kind and number of axes."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{one}; got rows of unequal lengths: make them equal, and mask the rest") from error
    if array.dtype.kind in "US":
        raise ValueError(f"{one}; got text: the run's tokenizer.encode(text).ids are the ids of a row")
    if array.dtype.kind not in ("iu" if one.whole else "b"):
        got = type(value).__name__ if array.dtype == object else f"{array.dtype}"
        remedy = f": write {one.name} > 0" if not one.whole and array.dtype.kind in "iuf" else ""
        raise ValueError(f"{one}; got {got}{remedy}")
    if array.ndim != len(one.axes) or not array.size:
        remedy = f": for one row write {one.name}[None]" if array.ndim == len(one.axes) - 1 else ""
        raise ValueError(f"{one}; got shape {array.shape}{remedy}")
    if one.whole and (array != array.astype(np.int32)).any():
        raise ValueError(f"{one}; got {array.max()}, which is no int32")
    return array.astype(np.int32) if one.whole else array
