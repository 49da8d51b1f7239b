"""Recomputing a run's report from its checkpoint."""

from pathlib import Path
from typing import Any

from rich.console import Console

from train.config import Framework, write_json
from train.models import LOOPS
from train.run import load
from train.task import prepare


def evaluate(folder: Path, framework: Framework, data_dir: Path | None, console: Console) -> dict[str, Any]:
    """Compute, print and write (evaluation-FRAMEWORK.json) the learned-something report of a run.

    The untrained model is drawn again from the run's seed. Raises what `load` and `prepare` raise.
    """
    run = load(folder, framework)
    task = prepare(run.config, data_dir, run.tokenizer)
    loop = LOOPS[framework]
    untrained = loop.initial_params(run.config.family, task.arguments, run.config.seed)
    report = task.report(loop, untrained, run.params)
    task.print_report(report, framework, console)
    write_json(folder / f"evaluation-{framework}.json", report)
    return report
