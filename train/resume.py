"""Going on with a run that was interrupted, in the same framework or in the other."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

import data
from train import checkpoint, folder
from train.config import Framework
from train.curves import read_metrics
from train.fit import lengths
from train.jax_loop import parameter_shapes
from train.optimizer import MOMENTS
from train.start import carry_out
from train.task import prepare


def resume(
    run: Path,
    out: Path,
    source: Framework,
    framework: Framework,
    data_dir: Path | None,
    console: Console,
) -> dict[str, Any]:
    """Carry on in ``framework`` from the last checkpoint that ``source`` wrote in a run, into a new folder.

    The new folder is a whole run: the steps before the checkpoint are copied into its metrics, the old run
    stays as it was. Weights, moments, data, dropout and learning rate go on as if nothing had happened.

    Raises RunError, CheckpointError, `data.DataError`, `ConfigError` before anything is written.
    """
    folder.refuse_used(out)
    config = folder.read_config(run)
    architecture, _ = folder.read_model(run)
    kinds = MOMENTS[config.optimizer.method]
    state = checkpoint.load_state(run / source, parameter_shapes(architecture), kinds)
    task = prepare(config, data_dir, data.load_tokenizer(run / "tokenizer.json"))
    _, steps = lengths(task)
    if state.step >= steps:
        raise folder.RunError(f"{run / source} took all of its {steps} steps: there is nothing to resume")
    before = [row for row in read_metrics(run / source) if row["step"] < state.step]
    (out / framework).mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in before)
    (out / framework / "metrics.jsonl").write_text(lines, encoding="utf-8")
    console.print(f"Resuming {run / source} after step {state.step} of {steps}, in {framework}.")
    return carry_out(task, [framework], out, False, console, state)
