"""A whole run: prepare, check parity, train in one framework or both, report."""

from pathlib import Path
from typing import Any

from rich.console import Console

from train.config import Config, Framework, write_json
from train.loops.fit import fit, progress_bar
from train.runs import folder, used
from train.runs.checkpoint import State
from train.runs.curves import Rows, draw, largest_gap, read_metrics
from train.tasks.task import Task, prepare


def train(
    config: Config,
    frameworks: list[Framework],
    out: Path,
    data_dir: Path | None,
    skip_parity: bool,
    console: Console,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Prepare, check parity, train in each framework, report. Returns the report written to the folder.

    Raises `data.DataError`, `ConfigError`, `files.RunError` and `preflight.ParityError`, all before the
    first step is taken. With ``overwrite``, a run that is there goes once the data is ready.
    """
    config.check()
    used.refuse_used(out, overwrite)
    task = prepare(config, data_dir, framework=frameworks[0])
    if overwrite:
        used.remove_run(out)
    return carry_out(task, frameworks, out, skip_parity, console)


def carry_out(
    task: Task,
    frameworks: list[Framework],
    out: Path,
    skip_parity: bool,
    console: Console,
    begun: State | None = None,
) -> dict[str, Any]:
    """`train` with the data prepared, from the first step or from a state on."""
    config = task.config
    folder.create(out, task.architecture, task.classes, task.tokenizer)
    write_json(out / "config.json", config.to_json())
    console.print(task.describe())
    if skip_parity:
        console.print(
            "Parity check skipped: nothing shows that the twins compute the same.", style="bold red"
        )
    else:
        from train.proof.preflight import preflight  # imports both frameworks

        with console.status("parity check of this model in float64"):
            outcome = preflight(task, out / "parity.json")
        console.print(outcome + "\n")
    with progress_bar(console) as progress:
        reports = {
            framework: fit(task, framework, out / framework, progress, begun) for framework in frameworks
        }
    metrics: dict[str, Rows] = {framework: read_metrics(out / framework) for framework in frameworks}
    draw(metrics, f"{config.family} on {task.name}, seed {config.seed}", out / "curves.png")
    summary: dict[str, Any] = {str(framework): report for framework, report in reports.items()}
    for framework, report in reports.items():
        task.print_report(report, framework, console)
    if len(frameworks) == 2:
        summary["largest_gap"] = largest_gap(*metrics.values())
        console.print(describe_gap(summary["largest_gap"]))
    write_json(out / "report.json", summary)
    console.print(f"Curves: {out / 'curves.png'}   Report: {out / 'report.json'}")
    return summary


def describe_gap(gap: dict[str, float]) -> str:
    """How far two runs' training losses were apart."""
    return (
        f"JAX and PyTorch: training losses at most {gap['loss']:.1e} nats apart (step {gap['step']}), "
        f"{gap['first_step']:.1e} at the first step."
    )
