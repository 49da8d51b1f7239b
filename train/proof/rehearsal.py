"""What a run will do, done by both frameworks in float64 and compared: updates, evaluation, predictions."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from data import Batch
from parity_tests.core.compare import BOUNDS, Check, errors, scales
from parity_tests.core.trajectory import EXEMPT, TRAJECTORY_BOUNDS
from parity_tests.runners.jax_numerics import jax_numerics
from train.loops import jax_loop, torch_loop
from train.loops.backend import Arrays, Backend
from train.loops.fit import lengths
from train.proof.cache import EVALUATION, METRICS, WEIGHTS
from train.proof.side_by_side import cast, precision
from train.tasks.task import Task

UPDATES = 2  # at least: the second one finds moments
DTYPE = "float64"


def rehearse(
    task: Task, params: Arrays, training: Iterable[Batch], evaluation: Iterable[Batch]
) -> Iterator[Check]:
    """Take an update on each width with the run's own optimizer and dropout, evaluate, and predict.

    The batches are those of `remembered.batches_of`. Yields a check for loss, metrics, gradient norm,
    moments and weights of each update, for the metrics of each evaluation batch, and for what the report
    would show of it.
    """
    batches = [cast(batch, DTYPE) for batch in training]
    start = {name: array.astype(DTYPE) for name, array in params.items()}
    name = task.config.family
    if len(batches) > 1:
        _compile_ahead(task, start, batches, [cast(batch, DTYPE) for batch in evaluation])
    with precision(DTYPE):
        both = (_updates(task, loop, start, batches) for loop in (jax_loop, torch_loop))
        for (about, ours), (_, theirs) in zip(*both, strict=True):
            yield from _compare(f"{name}, {about}", ours, theirs)
    yield from evaluate_both(task, params, evaluation)


def evaluate_both(task: Task, params: Arrays, batches: Iterable[Batch]) -> list[Check]:
    """All that scores and reports take from the model on these batches, in both frameworks, in float64."""
    exact = {name: array.astype(DTYPE) for name, array in params.items()}
    checks: list[Check] = []
    with precision(DTYPE):
        for batch in (cast(batch, DTYPE) for batch in batches):
            records = [_evaluated(task, loop, exact, batch) for loop in (jax_loop, torch_loop)]
            checks += _compare(f"{task.config.family} at width {_width(batch)}", *records)
    return checks


def _compile_ahead(task: Task, start: Arrays, training: list[Batch], evaluation: list[Batch]) -> None:
    """Have XLA compile the programs of all widths side by side, which is most of the time.

    JAX keeps them; what they compute here is dropped.
    """
    config = task.config

    def update(batch: Batch) -> None:
        arguments = (task.architecture, start, lambda number: batch, config.optimizer, lengths(task)[1])
        with jax_numerics(DTYPE):  # each thread has its own
            jax_loop.Trainer(config.family, *arguments, config.seed).step(0)

    def evaluate(batch: Batch) -> None:
        with jax_numerics(DTYPE):
            task.evaluate(jax_loop, start, batch)

    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(update, batch) for batch in training]
        jobs += [pool.submit(evaluate, batch) for batch in evaluation]
        for job in jobs:
            job.result()


def _updates(
    task: Task, loop: Backend, start: Arrays, batches: list[Batch]
) -> Iterator[tuple[str, dict[str, Arrays]]]:
    """Each update's record: by kind, the arrays by name."""
    config, accumulate = task.config, task.config.optimizer.accumulate

    def stream(number: int) -> Batch:
        return batches[number % len(batches)]

    arguments = (task.architecture, start, stream, config.optimizer, lengths(task)[1], config.seed)
    trainer = loop.Trainer(config.family, *arguments)
    for number in range(max(UPDATES, -(-len(batches) // accumulate))):
        metrics = trainer.step(number)
        widths = {_width(stream(number * accumulate + part)) for part in range(accumulate)}
        yield (
            f"update {number + 1} at width {' and '.join(map(str, sorted(widths)))}",
            {
                METRICS: {name: np.asarray(value, DTYPE) for name, value in metrics.items()},
                **{f"gradient's {kind}": arrays for kind, arrays in trainer.moments().items()},
                WEIGHTS: {name: array for name, array in trainer.params().items() if not EXEMPT.search(name)},
            },
        )


def _evaluated(task: Task, loop: Backend, params: Arrays, batch: Batch) -> dict[str, Arrays]:
    found = task.evaluate(loop, params, batch)
    return {EVALUATION: {name: np.asarray(value, DTYPE) for name, value in found.items()}}


def _compare(about: str, ours: Mapping[str, Arrays], theirs: Mapping[str, Arrays]) -> Iterator[Check]:
    for kind, arrays in ours.items():
        bound = TRAJECTORY_BOUNDS[DTYPE] if kind == WEIGHTS else BOUNDS[DTYPE][True]
        found = errors(arrays, theirs[kind], scales(kind, arrays, DTYPE))
        for name, (absolute, relative) in found.items():
            yield Check(about, kind, name, DTYPE, absolute, relative, bound, relative <= bound)


def _width(batch: Any) -> int:
    return int(batch[0].shape[1])
