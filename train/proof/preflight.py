"""The parity check before a run: exactly the configured model, on the run's own batches and settings."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from parity_tests.core.compare import first_divergence
from parity_tests.core.report import to_json
from parity_tests.twins.check import check_twin, isolate_twin
from parity_tests.twins.inputs import Twin
from parity_tests.twins.registry import MODELS
from parity_tests.twins.run import with_noise
from train.loops import torch_loop
from train.proof import cache
from train.proof.quickly import quickly_compiled
from train.proof.rehearsal import rehearse
from train.proof.remembered import batches_of, name_of, remembered, sentence
from train.runs import digests
from train.runs.durable import write_json
from train.tasks.task import Task


class ParityError(RuntimeError):
    """The twins of the configured model do not compute the same; training would prove nothing."""

    exit_status = 1


def preflight(task: Task, path: Path, watch: Callable[[str], None] = lambda at: None) -> str:
    """Hold the configured model's twins together in float64, dropout on and off; write the report.

    First every tap and gradient, with dropout, on the widest batch; then what the run does: an update at each
    of its widths with its optimizer, and evaluation, which has no dropout, with what its report shows.
    ``watch`` is told what is checked.

    Returns how it went, in a sentence. A check that passed before on this machine is not made again: see
    `cache`. Raises ParityError naming the first divergence, and all blocks that diverge by themselves.
    """
    name = name_of(task)
    outcome = remembered(task, name, path, torch_loop)
    if outcome is not None:
        return outcome
    training, evaluation = batches_of(task)
    inputs = task.inputs(training[0])
    twin = Twin(
        task.config.family,
        MODELS[task.architecture.name],
        lambda rng: inputs,
        asdict(task.architecture.config),
        whole_model=True,
    )
    isolations = []
    params = task.initial_params(torch_loop)
    start = with_noise(params, task.config.seed)
    with quickly_compiled():
        watch("every tap and gradient")
        checks = check_twin(twin, "float64", task.config.seed, evaluation=False, params=start)
        for check in () if first_divergence(checks) else rehearse(task, params, training, evaluation):
            watch(check.model)
            checks.append(check)
    if first_divergence(checks):
        isolations = isolate_twin(twin, checks, task.config.seed, start)
    failed = first_divergence(checks)
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
    cache.remember(name, checks)
    return sentence(checks, "holds")
