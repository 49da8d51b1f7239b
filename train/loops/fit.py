"""One run from first step to report: the same lines for both frameworks."""

import hashlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from train.config import Framework
from train.loops import speed
from train.loops.ahead import ahead
from train.loops.backend import Trainer, backend
from train.loops.interrupt import deferred
from train.loops.logs import SILENT, Logging
from train.loops.samples import NAME as SAMPLES
from train.loops.samples import Samples
from train.loops.saving import DEFAULT, Saving
from train.loops.schedule import learning_rate
from train.runs import checkpoint, digests, metrics
from train.runs.durable import write_json
from train.tasks.task import Task

FLUSH = 20  # steps between looks at the metrics, which wait for the device


def fit(
    task: Task,
    framework: Framework,
    out: Path,
    progress: Progress,
    begun: checkpoint.State | None = None,
    saving: Saving = DEFAULT,
    files: Mapping[str, str] | None = None,
    logging: Logging = SILENT,
) -> dict[str, Any]:
    """Train, from ``begun`` on where there is such; returns the report.

    Metrics are written as they come, and how fast these steps were, which differs from run to run, beside
    them; the report at the end; what ``logging`` asks for; a checkpoint before the first step, after each
    epoch, after the last step, and as often as ``saving`` says. It holds ``files``, digests of what else the
    run is.

    Raises Interrupted when a signal asks for the end, after the step at hand and a checkpoint of it.
    """
    out.mkdir(parents=True, exist_ok=True)
    loop = backend(framework)
    family, seed, optimizer = task.config.family, task.config.seed, task.config.optimizer
    per_epoch, steps = lengths(task)
    untrained = task.initial_params(loop)
    params, moments, first, *_ = begun or checkpoint.State(untrained, {}, 0)
    status = "compiling" if framework == "jax" else ""
    bar = progress.add_task(framework, total=steps, completed=first, status=status)
    pending: list[tuple[int, dict[str, Any]]] = []
    started, timer = time.perf_counter(), saving.timer(first)
    samples = Samples(task, loop, out, logging, first)
    numbers = range(first * optimizer.accumulate, steps * optimizer.accumulate)
    with (
        metrics.appended(out, logging.tensorboard) as log,
        (out / speed.NAME).open("w", buffering=1, encoding="utf-8") as timings,
        deferred() as signalled,
        ahead(task.batch, loop.to_device, numbers) as ready,
    ):
        meter = speed.Meter(loop, ready, task.widths(steps * optimizer.accumulate))
        stream = meter.stream
        trainer = loop.Trainer(family, task.architecture, params, stream, optimizer, steps, seed, moments)

        def save(step: int) -> None:
            about = {
                "framework": framework,
                "step": step,
                "seed": seed,
                "fingerprint": fingerprint(task, step, task.config.to_json()),
                "metrics": log.state(),
                "files": files,
            }
            checkpoint.save(out, {"params": params, **trainer.moments()}, about, saving.keep)
            timer.restart(step)

        if begun is None:
            save(0)
        for number in range(first, steps):
            computed, warning = meter.step(trainer, number)
            pending.append((number, computed))
            if warning:
                progress.console.print(warning, style="bold red", highlight=False)
            epoch_ends = (number + 1) % per_epoch == 0 or number + 1 == steps
            saves = epoch_ends or signalled.number is not None or timer.due(number + 1)
            stops = saves or samples.due(number + 1)
            if len(pending) < FLUSH and not stops:
                continue
            # The last step is still being computed: the device has work while the host reads the others.
            due, pending = (pending, []) if stops else (pending[:-1], pending[-1:])
            rows = read(due, framework, optimizer.learning_rate)
            for step, row in rows:
                if logging.writes(step, steps):
                    log.write(step, **row, learning_rate=learning_rate(step, steps, optimizer))
            mean = np.mean([row["loss"] for _, row in rows])
            rates = meter.look().rates()
            timings.write(json.dumps({"step": number, **rates}) + "\n")
            progress.update(
                bar, completed=number + 1, status=f"loss {mean:.3f}{speed.in_short(rates, meter.peak())}"
            )
            log.flush()
            if stops:
                params = finite_params(trainer, framework, number)
            if number + 1 == steps:
                params = task.finished(loop, params)
            if samples.due(number + 1):
                progress.console.print(samples.write(number + 1, params))
            if saves:
                if epoch_ends:
                    scores = task.scores(loop, params, "validation")
                    log.write(number, **{f"validation_{name}": value for name, value in scores.items()})
                save(number + 1)
            if stops:
                meter.restart()
            signalled.raise_now()
    seconds = time.perf_counter() - started
    report = {
        "framework": framework,
        "parameters": sum(array.size for array in params.values()),
        "steps": steps,
        **({"resumed_after": first} if begun else {}),
        "seconds": round(seconds, 1),
        "speed": meter.report(),
        "validation": task.scores(loop, params, "validation") if first == steps else scores,
        **task.report(loop, untrained, params),
    }
    written = digests.of_files(out, (metrics.NAME, speed.NAME, SAMPLES, checkpoint.NAME))
    write_json(out / "report.json", digests.sealed({**report, "files": written}))
    return report


def read(
    pending: list[tuple[int, dict[str, Any]]], framework: Framework, rate: float
) -> list[tuple[int, dict[str, float]]]:
    """The metrics of some steps as numbers. Raises FloatingPointError where a loss is none."""
    rows = [(step, {name: float(value) for name, value in row.items()}) for step, row in pending]
    for step, row in rows:
        if not np.isfinite(row["loss"]):
            raise FloatingPointError(
                f"the {framework} loss is {row['loss']} at step {step}: lower the learning rate ({rate})"
            )
    return rows


def lengths(task: Task) -> tuple[int, int]:
    """The steps of one pass over the training split, and of the whole run."""
    per_epoch = math.ceil(task.steps_per_epoch / task.config.optimizer.accumulate)
    steps = max(task.config.epochs * per_epoch, task.config.least_steps)
    return per_epoch, task.config.steps or steps


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
        BarColumn(20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, TextColumn("{task.fields[status]}"), console=console)
