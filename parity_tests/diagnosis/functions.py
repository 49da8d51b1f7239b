"""Activations: a function between two parts, recognised by what it makes of the numbers that it reads."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import erf, expit

from parity_tests.diagnosis.place import Place, same
from parity_tests.diagnosis.search import Computation

Function = Callable[[np.ndarray], np.ndarray]


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0)


FUNCTIONS: dict[str, Function] = {
    "nothing": lambda x: x,
    "exact GELU": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "tanh GELU": _gelu_tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "SiLU": lambda x: x * expit(x),
    "tanh": np.tanh,
    "sigmoid": expit,
    "quick GELU": lambda x: x * expit(1.702 * x),
    "squared ReLU": lambda x: np.maximum(x, 0) ** 2,
    "leaky ReLU (0.01)": lambda x: np.where(x > 0, x, 0.01 * x),
    "leaky ReLU (0.2)": lambda x: np.where(x > 0, x, 0.2 * x),
    "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "SELU": lambda x: (
        1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    ),
    "softplus": _softplus,
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "hard sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "softsign": lambda x: x / (1 + np.abs(x)),
}


def activations(place: Place) -> Iterator[Computation]:
    """A function of one array that is known, or of one that another is multiplied by."""
    known = list(place.alike(6))
    few = slice(None, 64)  # of large arrays, enough to tell that none of the functions was taken
    for x in known:
        made = (function(x.array.reshape(-1)[few]) for function in FUNCTIONS.values())
        if not any(same(array, place.ours.reshape(-1)[few], 1e-4) for array in made):
            continue
        yield Computation(
            lambda activation, x=x: FUNCTIONS[activation](x.array),
            {"activation": list(FUNCTIONS)},
            unknown=["activation"],
        )
    for gate in known[:4]:
        for up in known[:4]:
            made = (
                function(gate.array.reshape(-1)[few]) * up.array.reshape(-1)[few]
                for function in FUNCTIONS.values()
            )
            if up is not gate and any(same(array, place.ours.reshape(-1)[few], 1e-4) for array in made):
                yield Computation(
                    lambda activation, swapped, pair=(gate.array, up.array): (
                        FUNCTIONS[activation](pair[swapped]) * pair[1 - swapped]
                    ),
                    {"activation": list(FUNCTIONS), "swapped": (False, True)},
                    unknown=["activation"],
                )
