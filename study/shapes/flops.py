"""The floating-point operations of a function in JAX, between one mark and the next.

Counted as XLA's cost analysis counts: a matmul has two for each product, anything else one for each number
that it makes; a sum one for each that it adds. Exponentials and their like are counted apart.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jax

FILL = jax.lax.GatherScatterMode.FILL_OR_DROP
TRANSCENDENTAL = {
    *("exp", "exp2", "expm1", "log", "log1p", "tanh", "logistic", "erf", "erf_inv", "rsqrt", "sqrt", "cbrt"),
    *("sin", "cos", "tan", "pow"),
}
# What moves numbers and makes none.
MOVES = {
    *("broadcast_in_dim", "reshape", "transpose", "slice", "squeeze", "concatenate", "gather", "iota", "pad"),
    *("dynamic_slice", "dynamic_update_slice", "expand_dims", "rev", "copy", "name", "stop_gradient"),
    *("split", "optimization_barrier"),
}


@dataclass
class Stretch:
    """What is computed up to a mark, since the one before."""

    mark: str
    matmul: int = 0
    other: int = 0
    transcendental: int = 0
    contracted: list[int] = field(default_factory=list)
    """The lengths of the axes that its matmuls sum over."""
    softmax_axis: int | None = None
    """Which axis of the mark's array a largest value was taken over, if one was."""

    @property
    def total(self) -> int:
        return self.matmul + self.other


def stretches(jaxpr: Any) -> list[Stretch]:
    """Those of a jaxpr, by the names of its `checkpoint_name` marks; the last, "", ends with the function."""
    found, current = [], Stretch("")
    for equation in equations(jaxpr):
        name = equation.primitive.name
        if name == "name":
            current.mark = equation.params["name"]
            found.append(current)
            current = Stretch("")
        else:
            count(equation, current)
    return [*found, current]


def equations(jaxpr: Any) -> Iterator[Any]:
    """All equations in the order of execution, those of functions within too."""
    for equation in jaxpr.eqns:
        inner = [
            value for value in equation.params.values() if hasattr(value, "eqns") or hasattr(value, "jaxpr")
        ]
        if not inner:
            yield equation
        for value in inner[:1]:
            yield from equations(getattr(value, "jaxpr", value))


def count(equation: Any, stretch: Stretch) -> None:
    """Add one equation's operations."""
    name, made = equation.primitive.name, sum(math.prod(out.aval.shape) for out in equation.outvars)
    if name == "dot_general":
        (left, _), _ = equation.params["dimension_numbers"]
        lengths = [equation.invars[0].aval.shape[axis] for axis in left]
        stretch.matmul += 2 * made * math.prod(lengths)
        stretch.contracted += lengths
    elif name.startswith("reduce_"):
        stretch.other += math.prod(equation.invars[0].aval.shape) - made
        if name == "reduce_max":
            stretch.softmax_axis = equation.params["axes"][0]
    elif name in TRANSCENDENTAL:
        stretch.transcendental += made
        stretch.other += 3 * made if name == "logistic" else 0  # 1 / (1 + exp(-x))
    elif name == "gather" and equation.params["mode"] == FILL:
        rows = math.prod(equation.invars[1].aval.shape[:-1])
        stretch.other += made + 3 * rows  # NaN is chosen where an index lies outside
    elif name not in MOVES and not any(
        jax.dtypes.issubdtype(out.aval.dtype, jax.dtypes.prng_key) for out in equation.outvars
    ):
        stretch.other += made
