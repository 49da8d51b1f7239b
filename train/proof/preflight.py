"""The parity check before a run: exactly the configured model, on the run's own first batch."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from parity_tests.core.compare import first_divergence
from parity_tests.core.report import to_json
from parity_tests.twins.check import check_twin, isolate_twin
from parity_tests.twins.inputs import Twin
from parity_tests.twins.registry import MODELS
from train.proof import cache as parity_cache
from train.runs import digests
from train.runs.durable import write_json
from train.tasks.task import Task

ROWS = 4  # of the first batch; enough to differ in length


class ParityError(RuntimeError):
    """The twins of the configured model do not compute the same; training would prove nothing."""

    exit_status = 1


def preflight(task: Task, path: Path) -> str:
    """Hold the configured model's twins together in float64, dropout on and off; write the report.

    Returns how it went, in a sentence. A check that passed before on this machine is not made again: see
    `parity_cache`. Raises ParityError naming the first divergence, and all blocks that diverge by themselves.
    """
    model, seed, inputs = task.architecture, task.config.seed, task.inputs(ROWS)

    def first_rows(rng: np.random.Generator) -> dict[str, np.ndarray]:
        return inputs

    twin = Twin(task.config.family, MODELS[model.name], first_rows, asdict(model.config), whole_model=True)
    name = parity_cache.digest(twin, inputs, "float64", seed)
    remembered = parity_cache.recall(name)
    checks = remembered or check_twin(twin, "float64", seed)
    failed = first_divergence(checks)
    isolations = isolate_twin(twin, checks, seed) if failed else []
    write_json(path, digests.sealed(to_json(checks, isolations)))
    if failed:
        blocks = [block for isolation in isolations for block in isolation.blocks]
        diverging = dict.fromkeys(block.name for block in blocks if block.verdict == "diverges")
        raise ParityError(
            f"the JAX and PyTorch models of this configuration diverge at {failed.kind} {failed.name} "
            f"({failed.model}): error {failed.max_rel_error:.1e}, bound {failed.bound:.0e}. "
            f"Wrong by themselves: {', '.join(diverging) or 'no block of the forward pass'}. "
            f"The whole comparison is in {path}; --skip-parity trains all the same"
        )
    if remembered is None:
        parity_cache.remember(name, checks)
    worst = max(check.max_rel_error for check in checks)
    verb = "holds" if remembered is None else "held before, for the same code, model and inputs"
    return f"Parity {verb}: {len(checks)} checks in float64, largest error {worst:.1e}."
