"""Going on with a run that was interrupted, in the same framework or in the other."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

import data
from train.config import FRAMEWORKS, Framework
from train.loops.backend import backend
from train.loops.fit import fingerprint, lengths
from train.runs import checkpoint, used
from train.runs.curves import read_metrics
from train.runs.files import RunError, read_config, read_json, read_model
from train.start import carry_out
from train.tasks.task import prepare


def resume(
    run: Path,
    out: Path,
    source: Framework | None,
    framework: Framework | None,
    data_dir: Path | None,
    skip_parity: bool,
    console: Console,
) -> dict[str, Any]:
    """Carry on in ``framework`` from the last checkpoint that ``source`` wrote in a run, into a new folder.

    The new folder is a whole run: the steps before the checkpoint are copied into its metrics, the old run
    stays as it was. Weights, moments, data, dropout and learning rate go on as if nothing had happened.
    ``source`` can be left out where one framework alone has a checkpoint; ``framework`` is the source's.

    Raises RunError, CheckpointError, `data.DataError`, `ConfigError` before anything is written, then what
    `start.train` raises.
    """
    used.refuse_used(out)
    source = source or _only_source(run)
    framework = framework or source
    config = read_config(run)
    architecture, _ = read_model(run)
    loop = backend(framework)
    kinds = loop.MOMENTS[config.optimizer.method]
    state = checkpoint.load_state(run / source, loop.parameter_shapes(architecture), kinds)
    task = prepare(config, data_dir, data.load_tokenizer(run / "tokenizer.json"), framework)
    _, steps = lengths(task)
    if state.step >= steps:
        raise RunError(f"{run / source} took all of its {steps} steps: there is nothing to resume")
    written = read_json(run / "config.json", f"{run} is no trained run")
    if state.fingerprint != fingerprint(task, state.step, written):
        raise RunError(
            f"{run / source} was trained on other batches than its configuration, tokenizer and data give "
            "now (embedded texts change with Python's version): bring back what was there, or train anew"
        )
    before = [row for row in read_metrics(run / source) if row["step"] < state.step]
    (out / framework).mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in before)
    (out / framework / "metrics.jsonl").write_text(lines, encoding="utf-8")
    console.print(f"Resuming {run / source} after step {state.step} of {steps}, in {framework}.")
    return carry_out(task, [framework], out, skip_parity, console, state)


def _only_source(run: Path) -> Framework:
    """The framework that has a checkpoint in this run."""
    found = [name for name in FRAMEWORKS if (run / name / "checkpoint.safetensors").is_file()]
    if len(found) != 1:
        raise RunError(
            f"{run} holds checkpoints of {' and '.join(found) or 'neither framework'}: "
            + ("choose one with --source" if found else "there is nothing to resume")
        )
    return found[0]
