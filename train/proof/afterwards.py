"""After training: whether what was saved still computes the same in both frameworks."""

from pathlib import Path
from typing import Any

from parity_tests.core.compare import Check, all_passed
from train.config import Framework
from train.loops import torch_loop
from train.loops.fit import lengths
from train.proof.preflight import ParityError
from train.proof.quickly import quickly_compiled
from train.proof.rehearsal import evaluate_both
from train.runs import checkpoint
from train.tasks.task import Task


def recheck(task: Task, out: Path, framework: Framework) -> dict[str, Any]:
    """Evaluate a framework's last checkpoint on the run's last batch in both frameworks, in float64.

    Returns what the report says of it. Raises CheckpointError where the weights on the disk are not those
    that were saved.
    """
    shapes = torch_loop.parameter_shapes(task.architecture)
    params = checkpoint.load(out / framework, shapes, out)
    last = task.batch(lengths(task)[1] * task.config.optimizer.accumulate - 1)
    with quickly_compiled():
        checks = evaluate_both(task, params, [last])
    return summary(checks)


def summary(checks: list[Check]) -> dict[str, Any]:
    """The largest error, its bound, and whether all passed."""
    worst = max(checks, key=lambda check: check.max_rel_error / check.bound)
    return {
        "checks": len(checks),
        "largest_error": worst.max_rel_error,
        "bound": worst.bound,
        "passed": all_passed(checks),
    }


def refuse_diverged(found: dict[Framework, dict[str, Any]]) -> None:
    """Raise ParityError where trained weights do not compute the same in both frameworks."""
    for framework, row in found.items():
        if not row["passed"]:
            raise ParityError(
                f"the weights that {framework} trained no longer compute the same in both frameworks, on the "
                f"last batch: error {row['largest_error']:.1e}, bound {row['bound']:.0e}. The report says so "
                "too; the models are in the folder"
            )
