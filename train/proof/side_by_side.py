"""The twins trained side by side, compared after every step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from data import Batch
from parity_tests.core.trajectory import Step, Trajectory, compare_steps
from parity_tests.runners.jax_numerics import jax_numerics
from parity_tests.runners.torch_numerics import torch_numerics
from train.architecture import Architecture
from train.config import Config, Optimizer
from train.loops import jax_loop, torch_loop
from train.loops.backend import Arrays, Backend, Stream, Trainer
from train.proof.small import small
from train.runs import checkpoint
from train.tasks.task import prepare


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """What both twins train: a model from its initial weights, on a stream of batches, so many steps."""

    family: str
    architecture: Architecture
    params: Arrays
    stream: Stream
    optimizer: Optimizer
    steps: int
    seed: int

    def run(self, loop: Backend) -> Iterator[Step]:
        """The whole run in one framework."""
        return self._steps(loop, checkpoint.State(self.params, {}, 0), self.steps)[0]

    def alternate(self, every: int, folder: Path) -> Iterator[Step]:
        """The same run, which changes to the other framework after so many steps, through a checkpoint.

        PyTorch begins.
        """
        state = checkpoint.State(self.params, {}, 0)
        loops: tuple[Backend, ...] = (torch_loop, jax_loop)
        for loop in cycle(loops):
            last = min(state.step + every, self.steps)
            steps, trainer = self._steps(loop, state, last)
            yield from steps
            if last == self.steps:
                return
            checkpoint.save(folder, {"params": trainer.params(), **trainer.moments()}, {"step": last})
            kinds = loop.MOMENTS[self.optimizer.method]
            state = checkpoint.load_state(folder, loop.parameter_shapes(self.architecture), kinds)

    def _steps(self, loop: Backend, state: checkpoint.State, last: int) -> tuple[Iterator[Step], Trainer]:
        """The steps from a state up to, not including, ``last``, taken as they are asked for."""
        arguments = (self.architecture, state.params, self.stream, self.optimizer, self.steps, self.seed)
        trainer = loop.Trainer(self.family, *arguments, state.moments)

        def steps() -> Iterator[Step]:
            for number in range(state.step, last):
                metrics = trainer.step(number)
                yield Step(float(metrics["loss"]), float(metrics["gradient_norm"]), trainer.params())

        return steps(), trainer


def training_setup(config: Config, steps: int, dtype: str) -> TrainingSetup:
    """The course of a configuration in one precision, which weights and batches have."""
    task = prepare(config, None)
    params = {name: array.astype(dtype) for name, array in task.initial_params(torch_loop).items()}

    def stream(number: int) -> Batch:
        return cast(task.batch(number), dtype)

    return TrainingSetup(
        config.family, task.architecture, params, stream, config.optimizer, steps, config.seed
    )


def cast(batch: Batch, dtype: str) -> Batch:
    """A batch whose numbers are in a precision, but for whole ones and masks."""
    return type(batch)(*(a.astype(dtype) if a.dtype.kind == "f" else a for a in batch))


def trajectory(
    family: str,
    steps: int,
    dtype: str,
    switch: int | None = None,
    seed: int = 0,
    watch: Callable[[Step], None] = lambda step: None,
) -> Trajectory:
    """Train a small model of a family in both frameworks and hold them together at every step.

    With ``switch``, the run that is held against JAX's changes framework every so many steps. ``watch`` sees
    each of JAX's steps.
    """
    with precision(dtype), TemporaryDirectory() as folder:
        both = training_setup(replace(small(family), seed=seed), steps, dtype)

        def watched() -> Iterator[Step]:
            for step in both.run(jax_loop):
                watch(step)
                yield step

        other = both.alternate(switch, Path(folder)) if switch else both.run(torch_loop)
        return compare_steps(family, dtype, both.params, watched(), other)


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Both frameworks made ready to train in a precision: float32 without TF32, JAX in float64 on the CPU.

    PyTorch has one thread: tensors this small are no faster with more, and much slower where anything else
    runs.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch_numerics(dtype), jax_numerics(dtype):
            yield
    finally:
        torch.set_num_threads(threads)
