"""Hearing what is traced apart: inside remat, vmap and functions with rules of their own.

A value cannot leave the trace that it belongs to. So an operation that does nothing is put behind it, which
tells its values when they are computed; under `jax.disable_jit`, where they are computed one by one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

# (name, value, what its part read) -> the value to go on with
Listen = Callable[[str, Any, Sequence[Any]], Any]

# What remat keeps of a function it keeps for later runs: so the operation knows a name, and no listener.
_listeners: list[Listen] = []
_heard = Primitive("heard")


def heard(name: str, value: jax.Array, reads: Sequence[jax.Array]) -> Any:
    """The value; a listener is told of it when it is computed."""
    return _heard.bind(value, *reads, name=name)


@contextmanager
def listening(listen: Listen) -> Iterator[None]:
    """``listen`` is told of values until this ends: a backward pass that computes them again tells nobody."""
    _listeners.append(listen)
    try:
        yield
    finally:
        _listeners.pop()


@_heard.def_impl
def _told(value: Any, *reads: Any, name: str) -> Any:
    return _listeners[-1](name, value, reads) if _listeners else value


@_heard.def_abstract_eval
def _alike(value: Any, *reads: Any, name: str) -> Any:
    return value


def _batched(arrays: Sequence[Any], axes: Sequence[Any], name: str) -> Any:
    """Under vmap the axis that it maps over comes first."""
    moved = [
        array if axis is None else jnp.moveaxis(array, axis, 0)
        for array, axis in zip(arrays, axes, strict=True)
    ]
    return _heard.bind(*moved, name=name), None if axes[0] is None else 0


def _with_tangent(primals: Sequence[Any], tangents: Sequence[Any], name: str) -> Any:
    return _heard.bind(*primals, name=name), tangents[0]


ad.primitive_jvps[_heard] = _with_tangent
batching.primitive_batchers[_heard] = _batched
mlir.register_lowering(_heard, mlir.lower_fun(lambda value, *reads, name: value, multiple_results=False))
