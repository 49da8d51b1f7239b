"""The weights of a part, whatever its framework calls them: kernels as (inner, outer)."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from parity_tests.diagnosis.place import Place

# The names that projections of attention have, in the frameworks and in the models of others.
ROLES = {
    "queries": r"query|queries|q|wq|q_proj|q_lin|to_q|query_proj|linear_q",
    "keys": r"keys?|k|wk|k_proj|k_lin|to_k|key_proj|linear_k",
    "values": r"values?|v|wv|v_proj|v_lin|to_v|value_proj|linear_v",
    "output": r"out(put)?|o|wo|o_proj|out_proj|out_lin|to_out|proj|c_proj|dense",
}


class Linear(NamedTuple):
    kernel: np.ndarray
    """(inner, outer)."""
    bias: np.ndarray | None
    heads: int | None = None
    """Where the kernel has heads apart, as Flax's has."""

    def apply(self, x: np.ndarray, kernel: str = "as it is", bias: str = "added") -> np.ndarray | None:
        turned = self.kernel.T if kernel == "transposed" else self.kernel
        if x.shape[-1] != turned.shape[0]:
            return None
        y = x @ turned
        return y if self.bias is None or bias != "added" else y + self.bias

    def inside_out(self, width: int, reads: bool) -> "Linear":
        """With the heads of what it reads or returns as (head_dim heads), the bias as it was.

        ``width`` is head_dim.
        """
        order = inside_out(self.kernel.shape[not reads], width)
        return self._replace(kernel=self.kernel[order] if reads else self.kernel[:, order])


def inside_out(count: int, width: int) -> np.ndarray:
    """Where number (heads head_dim) is found in (head_dim heads); ``width`` is head_dim."""
    return np.arange(count).reshape(width, -1).T.reshape(-1)


def linear(weights: Mapping[str, np.ndarray], inner: int | None = None) -> Linear | None:
    """The one kernel and the one bias of these weights, if they have no others.

    ``inner`` is how many numbers it reads, which is needed where a kernel of Flax has more than two axes.
    """
    names = {name.rpartition(".")[2]: array for name, array in weights.items()}
    if len(names) != len(weights) or not set(names) <= {"kernel", "weight", "bias"}:
        return None
    bias = names.get("bias")
    flat = None if bias is None else bias.reshape(-1)
    if "weight" in names and names["weight"].ndim == 2:
        return Linear(names["weight"].T, flat)
    if (kernel := names.get("kernel")) is None or kernel.ndim not in (2, 3):
        return None
    if kernel.ndim == 2:
        return Linear(kernel, flat)
    if bias.ndim == 2 if bias is not None else len(kernel) == inner:
        return Linear(kernel.reshape(len(kernel), -1), flat, kernel.shape[1])
    return Linear(kernel.reshape(-1, kernel.shape[-1]), flat, kernel.shape[0])


def projections(place: Place, embed: int) -> dict[str, Linear] | None:
    """Those of an attention, by role; None where the part is none."""
    found: dict[str, Linear] = {}
    if (fused := place.weights.get("in_proj_weight")) is not None:
        biases = place.weights.get("in_proj_bias")
        kernels = np.split(fused, 3)
        apart = [None] * 3 if biases is None else np.split(biases, 3)
        for role, kernel, bias in zip(ROLES, kernels, apart, strict=False):
            found[role] = Linear(kernel.T, bias)
    for role, pattern in ROLES.items():
        own = {
            name: array
            for name, array in place.weights.items()
            if re.fullmatch(pattern, name.rpartition(".")[0].rpartition(".")[2])
        }
        if own and (made := linear(own, embed)) is not None:
            found[role] = made
    return found if found.keys() == ROLES.keys() else None
