"""One run from first step to report: the same lines for both frameworks."""

import hashlib
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from train.config import Framework, write_json
from train.loops.backend import Trainer, backend
from train.loops.interrupt import interruptible
from train.loops.schedule import learning_rate
from train.runs import checkpoint
from train.tasks.task import Task

FLUSH = 20  # steps between looks at the metrics, which wait for the device
SAVE = 600.0  # seconds after which a checkpoint is written within an epoch


def fit(
    task: Task,
    framework: Framework,
    out: Path,
    progress: Progress,
    begun: checkpoint.State | None = None,
) -> dict[str, Any]:
    """Train, from ``begun`` on where there is such; returns the report.

    Metrics are written as they come, a checkpoint after each epoch and every ten minutes, the report at the
    end. Ctrl-C writes a checkpoint after the step at hand, and ends training with KeyboardInterrupt.
    """
    out.mkdir(parents=True, exist_ok=True)
    loop = backend(framework)
    family, seed, optimizer = task.config.family, task.config.seed, task.config.optimizer
    per_epoch, steps = lengths(task)
    untrained = task.initial_params(loop)
    params, moments, first, _ = begun or checkpoint.State(untrained, {}, 0)
    trainer = loop.Trainer(family, task.architecture, params, task.batch, optimizer, steps, seed, moments)
    status = "compiling" if framework == "jax" else ""
    bar = progress.add_task(framework, total=steps, completed=first, status=status)
    pending: list[tuple[int, dict[str, Any]]] = []
    started = saved = time.perf_counter()
    with (out / "metrics.jsonl").open("a", encoding="utf-8") as log, interruptible() as interrupt:

        def write(step: int, **row: float) -> None:
            log.write(json.dumps({"step": step, **row}) + "\n")

        for number in range(first, steps):
            pending.append((number, trainer.step(number)))
            epoch_ends = (number + 1) % per_epoch == 0 or number + 1 == steps
            if len(pending) < FLUSH and not epoch_ends and not interrupt.asked:
                continue
            for step, metrics in pending:
                row = {name: float(value) for name, value in metrics.items()}
                if not np.isfinite(row["loss"]):
                    raise FloatingPointError(
                        f"the {framework} loss is {row['loss']} at step {step}: lower the learning rate "
                        f"({optimizer.learning_rate})"
                    )
                write(step, **row, learning_rate=learning_rate(step, steps, optimizer))
            mean = np.mean([float(metrics["loss"]) for _, metrics in pending])
            progress.update(bar, completed=number + 1, status=f"loss {mean:.3f}")
            pending = []
            save = epoch_ends or interrupt.asked or time.perf_counter() - saved > SAVE
            if save:
                params = finite_params(trainer, framework, number)
            if epoch_ends:
                row = task.scores(loop, params, "validation")
                write(number, **{f"validation_{name}": value for name, value in row.items()})
            log.flush()
            if save:
                about = {
                    "framework": framework,
                    "step": number + 1,
                    "seed": seed,
                    "fingerprint": fingerprint(task, number + 1, task.config.to_json()),
                }
                checkpoint.save(out, {"params": params, **trainer.moments()}, about)
                saved = time.perf_counter()
            if interrupt.asked and number + 1 < steps:
                raise KeyboardInterrupt
    seconds = time.perf_counter() - started
    report = {
        "framework": framework,
        "parameters": sum(array.size for array in params.values()),
        "steps": steps,
        **({"resumed_after": first} if begun else {}),
        "seconds": round(seconds, 1),
        "validation": row,
        **task.report(loop, untrained, params),
    }
    write_json(out / "report.json", report)
    return report


def lengths(task: Task) -> tuple[int, int]:
    """The steps of one pass over the training split, and of the whole run."""
    per_epoch = math.ceil(task.steps_per_epoch / task.config.optimizer.accumulate)
    return per_epoch, task.config.steps or task.config.epochs * per_epoch


def finite_params(trainer: Trainer, framework: Framework, number: int) -> checkpoint.Arrays:
    """The weights, unless a number among them is none: the last checkpoint then stays as it is."""
    params = trainer.params()
    for name, array in params.items():
        if not np.isfinite(array).all():
            raise FloatingPointError(
                f"{name} in {framework} is not finite after step {number}: lower the learning rate"
            )
    return params


def fingerprint(task: Task, step: int, config: dict[str, Any]) -> str:
    """A digest of what a run goes on with after a step: configuration, tokenizer and the next batch.

    ``config`` is the configuration as the run's folder has it. The fields of batches go by their first names,
    so that a run of an older version can be resumed.
    """
    batch = task.batch(step * task.config.optimizer.accumulate)._asdict()
    digest = hashlib.sha256(json.dumps(config).encode() + task.tokenizer.to_str().encode())
    for name in sorted(batch.keys() - {"rows"}):
        digest.update(name.removeprefix("masked_").encode() + batch[name].tobytes())
    return digest.hexdigest()


def progress_bar(console: Console) -> Progress:
    """Steps done and to do, the time left, and the loss."""
    columns = (
        TextColumn("{task.description:>5}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, TextColumn("{task.fields[status]}"), console=console)
