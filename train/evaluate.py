"""Recomputing a run's report from its checkpoint."""

from pathlib import Path
from typing import Any

from rich.console import Console

from train.config import Framework, write_json
from train.fit import split_logits
from train.models import LOOPS, build_model
from train.report import learned_report, print_report
from train.run import load
from train.task import prepare


def evaluate(folder: Path, framework: Framework, data_dir: Path | None, console: Console) -> dict[str, Any]:
    """Compute, print and write (evaluation-FRAMEWORK.json) the learned-something report of a run.

    The untrained model is drawn again from the run's seed. Raises what `load` and `prepare` raise.
    """
    run = load(folder, framework)
    task = prepare(run.config, data_dir, run.tokenizer)
    untrained = LOOPS[framework].initial_params(build_model(framework, task.model_arguments), run.config.seed)
    report = learned_report(
        task,
        split_logits(framework, task, untrained, "test"),
        split_logits(framework, task, run.params, "test"),
    )
    print_report(report, framework, console)
    write_json(folder / f"evaluation-{framework}.json", report)
    return report
