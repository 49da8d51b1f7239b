"""A framework as training sees it. Asking for one imports that one and no other."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int32

from data import Batch
from train.architecture import Architecture
from train.config import Framework, Optimizer

Arrays = dict[str, np.ndarray]
Outputs = Callable[..., Any]
Stream = Callable[[int], Batch]


@runtime_checkable
class Trainer(Protocol):
    """A run in progress."""

    def step(self, number: int) -> dict[str, Any]:
        """Take step ``number``, counted from 0; its metrics, which may still be being computed."""

    def params(self) -> Arrays:
        """The weights, flat, in Flax's names and layout."""

    def moments(self) -> dict[str, Arrays]:
        """What the optimizer keeps, by kind, each like `params`."""


@runtime_checkable
class Backend(Protocol):
    """What training needs of a framework: the modules `jax_loop` and `torch_loop` have it.

    Weights go in and out flat, in Flax's names and layout, as numpy arrays.
    """

    MOMENTS: dict[str, tuple[str, ...]]
    """What the optimizer keeps of each parameter, by method."""

    def build_model(self, architecture: Architecture) -> Any:
        """The model; its weights come separately."""

    def initial_params(self, architecture: Architecture, seed: int) -> Arrays:
        """The weights of a seed, float32."""

    def parameter_shapes(self, architecture: Architecture) -> dict[str, tuple[int, ...]]:
        """The names and shapes of a model's weights, without drawing them."""

    def evaluate(
        self, family: str, model: Any, params: Arrays, batches: Iterable[Batch]
    ) -> list[dict[str, float]]:
        """The loss and metrics of each batch, without dropout or label smoothing."""

    def to_device(self, batch: Batch) -> Batch:
        """The batch of the same class with arrays on the device, for a trainer; from any thread."""

    def programs_compiled(self) -> int:
        """How many there were in this process, for whatever was computed."""

    def peak_device_memory(self) -> int | None:
        """The most bytes that were taken at once, of a device with memory of its own."""

    def outputs(self, model: Any, params: Arrays, method: str = "__call__") -> Outputs:
        """A method of the model with these weights, from numpy inputs to what it returns."""

    def generate(
        self,
        model: Any,
        params: Arrays,
        prompts: Int32[np.ndarray, "batch position"],
        lengths: Sequence[int],
        new: int,
        seed: int,
        *limits: Any,
        compiled: bool = False,
    ) -> tuple[Int32[np.ndarray, "batch total"], Int32[np.ndarray, " batch"]]:
        """Prompts with what follows them, ``new`` tokens at most, and where each row ends.

        ``limits`` are temperature, top_k, top_p and the tokens that end a text, as `generate` has them. What
        does not compile by itself compiles its step of one token if ``compiled``.
        """

    def greedy(
        self,
        model: Any,
        params: Arrays,
        source: Int32[np.ndarray, "batch key"],
        source_mask: Bool[np.ndarray, "batch key"],
        begin: int,
        length: int,
    ) -> Int32[np.ndarray, "batch position"]:
        """An encoder-decoder's likeliest targets: ``length`` tokens after ``begin`` a row.

        What follows a row's first end token means nothing.
        """

    def Trainer(
        self,
        family: str,
        architecture: Architecture,
        params: Arrays,
        stream: Stream,
        optimizer: Optimizer,
        steps: int,
        seed: int,
        moments: dict[str, Arrays] | None = None,
    ) -> Trainer:
        """Begin with these weights, whose dtype is the run's, and moments, if there were steps before."""


def backend(name: Framework) -> Backend:
    """The framework of this name, imported now if it is not yet."""
    if name == "jax":
        from train.loops import jax_loop

        return jax_loop
    from train.loops import torch_loop

    return torch_loop
