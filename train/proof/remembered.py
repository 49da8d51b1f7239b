"""A preflight that passed before: what it asked, and its answer, for which no other framework is imported."""

from pathlib import Path

from data import Batch
from parity_tests.core.compare import Check
from parity_tests.core.report import to_json
from train.loops.backend import Backend
from train.loops.fit import lengths
from train.proof import cache
from train.runs import digests
from train.runs.durable import write_json
from train.tasks.task import Task

ROWS = 4  # of a batch; enough to differ in length


def remembered(task: Task, name: str | None, path: Path, loop: Backend) -> str | None:
    """How the preflight of this task went that passed before, its report written; None where none did.

    ``name`` is what `name_of` gave.
    """
    names = loop.parameter_shapes(task.architecture)
    checks = cache.recall(name, lambda checks: cache.complete(checks, names))
    if checks is None:
        return None
    write_json(path, digests.sealed(to_json(checks, [])))
    return sentence(checks, "held before, for the same code, model and inputs")


def name_of(task: Task) -> str | None:
    """The name in the cache of all that a preflight depends on."""
    question = {
        "architecture": task.architecture.to_json(),
        "config": task.config.to_json(),
        "steps": lengths(task),
        "tokenizer": task.tokenizer.to_str(),
    }
    training, evaluation = batches_of(task)
    arrays = [*training, *evaluation, tuple(task.begun[name] for name in sorted(task.begun))]
    return cache.digest(question, [array for batch in arrays for array in batch])


def batches_of(task: Task) -> tuple[list[Batch], list[Batch]]:
    """A few rows of a batch of each width that the run has, for training and for evaluation."""
    steps = lengths(task)[1] * task.config.optimizer.accumulate
    return [few(batch) for batch in task.widths(steps)], [few(batch) for batch in task.evaluated()]


def few(batch: Batch) -> Batch:
    """The first rows."""
    return type(batch)(*(array[:ROWS] for array in batch))


def sentence(checks: list[Check], verb: str) -> str:
    """How a check went that passed."""
    worst = max(check.max_rel_error for check in checks)
    return f"Parity {verb}: {len(checks)} checks in float64, largest error {worst:.1e}."
