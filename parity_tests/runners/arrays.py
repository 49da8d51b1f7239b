"""What goes into a run and comes out of it, as numpy arrays by name; both runners share it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

Inputs = dict[str, np.ndarray]
Params = Mapping[str, np.ndarray]


def numbers(array: Any) -> np.ndarray:
    """A copy of any framework's array as float64 numpy, which later changes in place do not reach."""
    if hasattr(array, "detach"):  # a tensor, of which numpy takes neither gradients nor bfloat16
        array = array.detach().cpu().double().numpy()
    return np.array(array, np.float64)


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    """A fixed direction to differentiate an output of this shape along; no two numbers alike."""
    return np.random.default_rng(0).standard_normal(shape)


def split_floats(inputs: Inputs) -> tuple[Inputs, Inputs]:
    """The inputs that get gradients, and the others (ids, masks)."""
    floats = {name: array for name, array in inputs.items() if array.dtype == np.float64}
    return floats, {name: array for name, array in inputs.items() if name not in floats}


def named_outputs(output: Any, array: type, model: str) -> dict[str, Any]:
    """What a model returned, by name: its one array, or the fields of a named tuple."""
    fields = output._asdict() if hasattr(output, "_asdict") else {"output": output}
    for field in fields.values():
        if not isinstance(field, array):
            raise TypeError(
                f"{model} returned {type(field).__name__}; give `call` a function that returns one array or "
                "a named tuple of arrays, such as lambda model, x: model(x)[0]"
            )
    return fields
