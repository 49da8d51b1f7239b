"""What goes into a run and comes out of it, as numpy arrays by name; both runners share it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

Inputs = dict[str, np.ndarray]
Params = Mapping[str, np.ndarray]
SEED = 0  # of the cotangents


def numbers(array: Any) -> np.ndarray:
    """A copy of any framework's array as float64 numpy, which later changes in place do not reach."""
    if hasattr(array, "detach"):  # a tensor, of which numpy takes neither gradients nor bfloat16
        array = array.detach().cpu().double().numpy()
    return np.array(array, np.float64)


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    """A fixed direction to differentiate an output of this shape along; no two numbers alike."""
    return np.random.default_rng(SEED).standard_normal(shape)


def split_floats(inputs: Inputs) -> tuple[Inputs, Inputs]:
    """The inputs that get gradients, and the others (ids, masks)."""
    floats = {name: array for name, array in inputs.items() if array.dtype == np.float64}
    return floats, {name: array for name, array in inputs.items() if name not in floats}


def named_outputs(output: Any, array: type, model: str) -> dict[str, Any]:
    """What a model returned, by name: its one array, called "output", or those in a container by their path.

    Containers are tuples, lists, dictionaries and dataclasses; what is in them and no array is left out.
    """
    found = dict(named_arrays(output, array))
    if not found:
        raise TypeError(
            f"{model} returned {type(output).__name__}, in which there is no array; give `call` a function "
            "that returns one, or several in a tuple or a dictionary, such as lambda model, x: model(x)[0]"
        )
    return found


def named_arrays(value: Any, array: type, path: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays in a value, each with its path: "hidden_states.0"."""
    if isinstance(value, array):
        yield path or "output", value
        return
    for name, item in children(value):
        yield from named_arrays(item, array, f"{path}.{name}" if path else name)


def children(value: Any) -> list[tuple[str, Any]]:
    """What a container holds, by name; nothing where a value is none."""
    if isinstance(value, Mapping):
        return [(str(key), item) for key, item in value.items()]
    if isinstance(value, tuple | list):
        names = getattr(value, "_fields", None) or map(str, range(len(value)))
        return list(zip(names, value, strict=True))
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return []
