"""Recomputing a run's report from its checkpoint."""

from pathlib import Path
from typing import Any

from rich.console import Console

from train.config import Framework
from train.loops.backend import backend
from train.runs import digests
from train.runs.durable import write_json
from train.runs.files import read_config
from train.runs.load import load
from train.runs.own_data import refuse_changed
from train.tasks.task import prepare


def evaluate(folder: Path, framework: Framework, data_dir: Path | None, console: Console) -> dict[str, Any]:
    """Compute, print and write (evaluation-FRAMEWORK.json) the learned-something report of a run.

    The untrained model is drawn again from the run's seed, or opened again where the run began. Raises what
    `load` and `prepare` raise.
    """
    config = read_config(folder)
    refuse_changed(folder, config, data_dir)
    run = load(folder, framework)
    task = prepare(config, data_dir, run.tokenizer, framework)
    loop = backend(framework)
    report = task.report(loop, task.initial_params(loop), run.params)
    write_json(folder / f"evaluation-{framework}.json", digests.sealed(report))
    task.print_report(report, framework, console)
    return report
