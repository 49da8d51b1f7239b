"""The mirror of `jax_loop` in PyTorch, op by op."""

import copy
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int32
from torch import Tensor, nn

import torch_impl.generate
import torch_impl.greedy
import torch_impl.optimizer
from data import Batch
from torch_impl import convert, random
from torch_impl.compiled_random import key_in_tensors
from torch_impl.initializers import initialise
from torch_impl.objectives import OBJECTIVES
from torch_impl.optimizer import MOMENTS, Rates
from train.architecture import Architecture
from train.config import ConfigError, Optimizer
from train.loops.backend import Arrays, Outputs, Stream
from train.loops.schedule import rates_at


def build_model(architecture: Architecture) -> nn.Module:
    """The model; its weights come separately."""
    return architecture.build("torch_impl")


def initial_params(architecture: Architecture, seed: int) -> Arrays:
    """The weights of a seed, flat, float32, in Flax's layout."""
    model = build_model(architecture)
    initialise(model, random.key(seed))
    return convert.save(model)


def parameter_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a model's parameters in Flax's layout, without drawing them."""
    with torch.device("meta"):
        model = build_model(architecture)
    arrays = {name: np.broadcast_to(np.False_, p.shape) for name, p in model.named_parameters()}
    return {name: a.shape for name, a in convert.to_flax(arrays, convert.axis_sizes(model)).items()}


@torch.no_grad()
def evaluate(
    family: str, model: nn.Module, params: Arrays, batches: Iterable[Batch]
) -> list[dict[str, float]]:
    """The loss and metrics of each batch, without dropout or label smoothing."""
    convert.load(model, params)
    model.to(_device())
    rows = []
    for batch in batches:
        loss, metrics = OBJECTIVES[family](model, to_device(batch), None, 0.0)
        rows.append({"loss": float(loss), **{name: float(value) for name, value in metrics.items()}})
    return rows


def to_device(batch: Batch) -> Any:
    """A batch of the same class, with tensors on the device for arrays; from any thread."""
    kind: Any = type(batch)
    return kind(*map(_tensor, batch))


def programs_compiled() -> int:
    """By torch.compile in this process; where PyTorch goes op by op there are none."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return dynamo.counters["stats"]["unique_graphs"] if dynamo else 0


def peak_device_memory() -> int | None:
    """The most bytes that were taken at once, of a device with memory of its own."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def outputs(model: nn.Module, params: Arrays, method: str = "__call__") -> Outputs:
    """The model with these weights, without dropout, as a function from numpy inputs to what it returns.

    ``method`` is what of the model is called.
    """
    convert.load(model, params)
    model.to(_device())

    @torch.no_grad()
    def apply(*inputs: np.ndarray) -> Any:
        output = getattr(model, method)(*map(_tensor, inputs))
        several = isinstance(output, tuple)
        return type(output)(*(x.cpu().numpy() for x in output)) if several else output.cpu().numpy()

    return apply


def with_compiled_step(model: nn.Module) -> Any:
    """The GPT, its weights shared, with a step of one token by torch.compile; longer ones are read as before.

    So no program is made for each length of a prompt. Raises ConfigError where there is no compiler.
    """
    check_compiler()
    bound: Any = copy.copy(model)
    many: Any = model.step
    one: Any = torch.compile(many, dynamic=False)
    bound.step = lambda ids, cache: (one if ids.shape[1] == 1 else many)(ids, cache)
    return bound


def generate(
    model: nn.Module,
    params: Arrays,
    prompts: Int32[np.ndarray, "batch position"],
    lengths: Sequence[int],
    new: int,
    seed: int,
    *limits: Any,
    compiled: bool = False,
) -> tuple[Int32[np.ndarray, "batch total"], Int32[np.ndarray, " batch"]]:
    """Prompts with what follows them, and where each row ends, by `torch_impl.generate`."""
    convert.load(model, params)
    model.to(_device())
    bound: Any = with_compiled_step(model) if compiled else model
    rows, ends = torch_impl.generate.generate(
        bound, _tensor(prompts), lengths, new, random.key(seed), *limits
    )
    return rows.cpu().numpy().astype(np.int32), ends.cpu().numpy().astype(np.int32)


def greedy(
    model: nn.Module,
    params: Arrays,
    source: Int32[np.ndarray, "batch key"],
    source_mask: Bool[np.ndarray, "batch key"],
    begin: int,
    length: int,
) -> Int32[np.ndarray, "batch position"]:
    """An encoder-decoder's likeliest targets, token by token, by `torch_impl.greedy`."""
    convert.load(model, params)
    bound: Any = model.to(_device())
    tokens = torch_impl.greedy.greedy(bound, _tensor(source), _tensor(source_mask), begin, length)
    return tokens.cpu().numpy().astype(np.int32)


def gradient(
    model: nn.Module, batch: Any, rng: random.Key | None, family: str, optimizer: Optimizer
) -> dict[str, Tensor]:
    """Add a batch's part to the mean gradient of its step; returns its part of the mean metrics."""
    objective = OBJECTIVES[family]
    if optimizer.compiled:
        objective, rng = compiled(family), key_in_tensors(rng)
    loss, metrics = objective(model, batch, rng, optimizer.smoothing)
    (loss / optimizer.accumulate).backward()
    return {name: value / optimizer.accumulate for name, value in {"loss": loss.detach(), **metrics}.items()}


@cache
def compiled(family: str) -> Any:
    """The family's objective by torch.compile. Raises ConfigError where there is no compiler."""
    check_compiler()
    return torch.compile(OBJECTIVES[family], dynamic=False)


def check_compiler() -> None:
    """Raise ConfigError where torch.compile needs a C++ compiler, for the CPU, and there is none."""
    if _device().type == "cpu":
        compiler = os.environ.get("CXX", "g++" if sys.platform != "darwin" else "clang++")
        if shutil.which(compiler) is None:
            raise ConfigError(
                f"compiled=True: there is no C++ compiler {compiler!r}; install one, name it in CXX, or "
                "leave the setting out"
            )


class Trainer:
    """A run in progress. Every draw of its dropout follows from ``seed`` and the number of the batch."""

    def __init__(
        self,
        family: str,
        architecture: Architecture,
        params: Arrays,
        stream: Stream,
        optimizer: Optimizer,
        steps: int,
        seed: int,
        moments: dict[str, Arrays] | None = None,
    ) -> None:
        """``moments``, as `moments` gave them, if steps have been taken before; ``params`` sets the dtype."""
        self.family, self.model = family, build_model(architecture)
        self.stream, self.optimizer, self.steps = stream, optimizer, steps
        convert.load(self.model, params)
        self.model.to(_device())
        self._params = {convert.flax_name(name): p for name, p in self.model.named_parameters()}
        self._state = torch_impl.optimizer.init(self._params, optimizer)
        for kind, arrays in (moments or {}).items():
            for name, array in convert.to_torch(arrays).items():
                self._state[convert.flax_name(name)][kind] = torch.tensor(array, device=_device())
        self._rng = random.fold_in(random.key(seed), 1)
        if optimizer.compiled:
            compiled(family)  # or refuse before the first step

    def step(self, number: int) -> dict[str, Any]:
        """Take step ``number``, counted from 0, and return its metrics as tensors."""
        batches = range(number * self.optimizer.accumulate, (number + 1) * self.optimizer.accumulate)
        self.model.zero_grad()
        parts = [self._gradient(batch) for batch in batches]
        metrics = {name: sum(part[name] for part in parts) for name in parts[0]}
        whole = {name: _gradient_of(parameter) for name, parameter in self._params.items()}
        rates = Rates(*rates_at(number, self.steps, self.optimizer))
        norm = torch_impl.optimizer.update(self._params, self._state, whole, rates, self.optimizer)
        return {**metrics, "gradient_norm": norm}

    def _gradient(self, number: int) -> dict[str, Tensor]:
        """That of batch ``number``, with dropout of its own."""
        rng = random.fold_in(self._rng, number)
        return gradient(self.model, to_device(self.stream(number)), rng, self.family, self.optimizer)

    def params(self) -> Arrays:
        """The weights, flat, in Flax's layout."""
        return convert.save(self.model)

    def moments(self) -> dict[str, Arrays]:
        """What the optimizer keeps, by kind (Adam's "mean" and "square"), each like `params`."""
        sizes, names = convert.axis_sizes(self.model), [name for name, _ in self.model.named_parameters()]
        return {
            kind: convert.to_flax(
                {name: self._state[convert.flax_name(name)][kind].cpu().numpy() for name in names}, sizes
            )
            for kind in MOMENTS[self.optimizer.method]
        }


def _gradient_of(parameter: Tensor) -> Tensor:
    """Zeros where the loss uses no such parameter, as JAX says."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _tensor(array: np.ndarray | Tensor) -> Tensor:
    """On the device, whole numbers as int64, which PyTorch asks of labels."""
    if isinstance(array, Tensor):  # of a batch that was brought there ahead
        return array
    wide = torch.from_numpy(array.astype(np.int64) if array.dtype == np.int32 else array)
    device = _device()
    return (wide.pin_memory() if device.type == "cuda" else wide).to(device, non_blocking=True)
