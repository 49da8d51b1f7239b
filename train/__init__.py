"""Training: configuration, the two loops, checkpoints, evaluation.

``train.load(RUN, framework="jax")`` opens a trained run in either framework. What is imported from here is
loaded when it is used, so that the settings can be read without a framework.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from train import sources

if TYPE_CHECKING:
    from train.runs.load import Run, load

sources.record()  # before any other module of ours is imported

__all__ = ["Run", "load"]

# Names of this package, and modules that moved after version 0.1: where they are.
HERE = {"Run": "train.runs.load", "load": "train.runs.load"}
MOVED = {"cli": "twinformer.cli"}


def __getattr__(name: str) -> Any:
    if name in MOVED:
        return import_module(MOVED[name])
    if name in HERE:
        return getattr(import_module(HERE[name]), name)
    raise AttributeError(f"module 'train' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
