"""Going on with a run that was interrupted: in its folder, or from one of its checkpoints into a new one."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

import data
from train.config import FRAMEWORKS, Framework
from train.loops.backend import backend
from train.loops.fit import fingerprint, lengths
from train.runs import checkpoint, used
from train.runs.files import RunError, read_config, read_json, read_model
from train.runs.lock import owned
from train.runs.metrics import NAME as METRICS
from train.runs.metrics import written_by
from train.runs.own_data import refuse_changed
from train.runs.plan import Plan, is_planned, read_plan
from train.start import begin, carry_out
from train.tasks.task import Task, prepare


def resume(
    run: Path,
    out: Path | None,
    source: Framework | None,
    framework: Framework | None,
    data_dir: Path | None,
    skip_parity: bool,
    console: Console,
) -> dict[str, Any]:
    """Carry on a run as if nothing had happened, with its weights, moments, data, dropout and learning rate.

    Without ``out`` in its own folder: each framework of the run from its last checkpoint, or from the first
    step if it has none; one that took all its steps computes its report. With ``out``, the last checkpoint of
    ``source`` (which can be left out where there is one) goes on in ``framework`` (the source's, by default),
    as a run of its own, whose metrics begin with those of the steps before; the old run stays as it was.

    Raises RunError, CheckpointError, `data.DataError`, `ConfigError` before anything is written, then what
    `start.train` raises.
    """
    if out is None:
        return _go_on(run, data_dir, skip_parity, console)
    return _copy(run, out, source, framework, data_dir, skip_parity, console)


def _go_on(run: Path, data_dir: Path | None, skip_parity: bool, console: Console) -> dict[str, Any]:
    """`resume` in the run's own folder."""
    plan = read_plan(run)
    if not used.unfinished(run):
        raise RunError(f"{run} is finished: there is nothing to resume")
    plan.logging.check(read_config(run).family)
    with owned(run):
        task = _task(run, data_dir, plan.frameworks[0])
        begun = {}
        for framework in plan.frameworks:
            if not (run / framework / checkpoint.NAME).is_file():
                continue
            state = _state(run, framework, framework, task)
            before = written_by(run / framework, state.step, state.metrics)
            os.truncate(run / framework / METRICS, len(before))
            console.print(_describe(run, framework, framework, task, state.step))
            begun[framework] = state
        for framework in set(plan.frameworks) - begun.keys():  # it was killed before it had any
            (run / framework / METRICS).unlink(missing_ok=True)
        plan = replace(plan, skip_parity=plan.skip_parity or skip_parity)
        with used.surviving(run):
            return carry_out(task, plan, run, console, begun)


def _copy(
    run: Path,
    out: Path,
    source: Framework | None,
    framework: Framework | None,
    data_dir: Path | None,
    skip_parity: bool,
    console: Console,
) -> dict[str, Any]:
    """`resume` into a new folder."""
    with owned(out):
        used.refuse_used(out)
        source = source or _only_source(run)
        framework = framework or source
        task = _task(run, data_dir, framework)
        state = _state(run, source, framework, task)
        if state.step >= lengths(task)[1]:
            raise RunError(f"{run / source} took all of its {state.step} steps: there is nothing to resume")
        before = written_by(run / source, state.step, state.metrics)
        old = read_plan(run) if is_planned(run) else Plan((source,))
        old.logging.check(task.config.family)
        plan = replace(old, frameworks=(framework,), skip_parity=skip_parity)
        begin(task, plan, out)
        (out / framework).mkdir()
        (out / framework / METRICS).write_bytes(before)
        console.print(_describe(run, source, framework, task, state.step))
        with used.surviving(out):
            return carry_out(task, plan, out, console, {framework: state})


def _task(run: Path, data_dir: Path | None, framework: Framework) -> Task:
    """What a run trains on, with its tokenizer."""
    config = read_config(run)
    refuse_changed(run, config, data_dir)
    return prepare(config, data_dir, data.load_tokenizer(run / "tokenizer.json"), framework)


def _state(run: Path, source: Framework, framework: Framework, task: Task) -> checkpoint.State:
    """What ``source`` saved last, for ``framework`` to go on from."""
    loop, architecture = backend(framework), read_model(run)[0]
    kinds = loop.MOMENTS[task.config.optimizer.method]
    checkpoint.refuse_unlike(run / source, architecture.config, run)
    state = checkpoint.load_state(run / source, loop.parameter_shapes(architecture), kinds, run)
    if state.step > lengths(task)[1]:
        raise RunError(f"{run / source} took {state.step} steps, and the run has {lengths(task)[1]}")
    written = read_json(run / "config.json", f"{run} is no trained run")
    if state.fingerprint != fingerprint(task, state.step, written):
        raise RunError(
            f"{run / source} was trained on other batches than its configuration, tokenizer and data give "
            "now (embedded texts change with Python's version): bring back what was there, or train anew"
        )
    return state


def _describe(run: Path, source: Framework, framework: Framework, task: Task, step: int) -> str:
    return f"Resuming {run / source} after step {step} of {lengths(task)[1]}, in {framework}."


def _only_source(run: Path) -> Framework:
    """The framework that has a checkpoint in this run."""
    found = [name for name in FRAMEWORKS if (run / name / checkpoint.NAME).is_file()]
    if len(found) != 1:
        raise RunError(
            f"{run} holds checkpoints of {' and '.join(found) or 'neither framework'}: "
            + ("choose one with --source" if found else "there is nothing to resume")
        )
    return found[0]
