"""A whole run: prepare, check parity, train in one framework or both, report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from train.config import Config, Framework
from train.loops.backend import backend
from train.loops.fit import fit, progress_bar
from train.loops.logs import SILENT, Logging
from train.loops.samples import refuse
from train.loops.saving import DEFAULT, Saving
from train.loops.speed import describe
from train.proof import cache, frameworks
from train.proof.remembered import name_of, remembered
from train.runs import digests, folder, own_data, used
from train.runs.checkpoint import State
from train.runs.durable import write_json
from train.runs.lock import owned
from train.runs.metrics import Rows, read_metrics
from train.runs.plan import Plan
from train.tasks.found_table import print_found
from train.tasks.task import Task, prepare


def train(
    config: Config,
    frameworks: list[Framework],
    out: Path,
    data_dir: Path | None,
    skip_parity: bool,
    console: Console,
    overwrite: bool = False,
    saving: Saving = DEFAULT,
    logging: Logging = SILENT,
) -> dict[str, Any]:
    """Prepare, check parity, train in each framework, report. Returns the report written to the folder.

    Raises `data.DataError`, `ConfigError`, `files.RunError` and `preflight.ParityError`, all before the
    first step is taken. With ``overwrite``, a run that is there goes once the data is ready.
    """
    config.check()
    saving.check()
    logging.check(config.family)
    with owned(out):
        used.refuse_used(out, overwrite)
        task = prepare(config, data_dir, framework=frameworks[0])
        refuse(task, logging)
        if overwrite:
            used.remove_run(out)
        plan = Plan(tuple(frameworks), skip_parity, saving, logging)
        with used.surviving(out):
            begin(task, plan, out)
            return carry_out(task, plan, out, console, {})


def begin(task: Task, plan: Plan, out: Path) -> None:
    """Write what a run is into its folder, the plan first: what ends here is known for a run."""
    plan.write(out)
    write_json(out / "config.json", task.config.to_json())
    if task.found is not None:
        own_data.write(out, task.found)
    folder.create(out, task.architecture, task.classes, task.tokenizer)


def carry_out(
    task: Task, plan: Plan, out: Path, console: Console, begun: Mapping[Framework, State]
) -> dict[str, Any]:
    """`train` in a folder that is begun and owned, each framework from its state on, if it has one.

    All is written before the results are printed.
    """
    config, files, outcome = task.config, folder.parts(out), None
    if task.found is not None:
        print_found(task.found, console)
    console.print(task.describe())
    if plan.skip_parity:
        console.print(
            "Parity check skipped: nothing shows that the twins compute the same.", style="bold red"
        )
    else:
        outcome = remembered(task, name_of(task), out / "parity.json", backend(plan.frameworks[0]))
        console.print((outcome or proven(task, out, console)) + "\n")
    reports: dict[Framework, dict[str, Any]] = {}
    with progress_bar(console) as progress:
        for framework in plan.frameworks:
            if reports and outcome is not None:
                prove_again(task, out, framework)
            state = begun.get(framework)
            reports[framework] = fit(
                task, framework, out / framework, progress, state, plan.saving, files, plan.logging
            )
    after = {}
    if not plan.skip_parity:
        from train.proof.afterwards import recheck, refuse_diverged

        after = {framework: recheck(task, out, framework) for framework in reports}
    from train.runs.curves import draw, largest_gap  # and matplotlib, for which no start waits

    metrics: dict[str, Rows] = {framework: read_metrics(out / framework) for framework in reports}
    draw(metrics, f"{config.family} on {task.name}, seed {config.seed}", out / "curves.png")
    summary: dict[str, Any] = {str(framework): report for framework, report in reports.items()}
    if len(reports) == 2:
        summary["largest_gap"] = largest_gap(*metrics.values())
    if after:
        summary["parity_after"] = after
    each = [f"{framework}/report.json" for framework in reports]
    written = digests.of_files(out, ("run.json", *folder.PARTS, "parity.json", "curves.png", *each))
    write_json(out / "report.json", digests.sealed({**summary, "files": written}))
    for framework, report in reports.items():
        task.print_report(report, framework, console)
        console.print(f"{framework}: {describe(report['speed'])}")
    if len(reports) == 2:
        console.print(describe_gap(summary["largest_gap"]))
    if after:
        worst = max(row["largest_error"] for row in after.values())
        console.print(f"Trained weights in both frameworks, last batch, float64: largest error {worst:.1e}.")
    console.print(f"Curves: {out / 'curves.png'}   Report: {out / 'report.json'}")
    if after:
        refuse_diverged(after)
    return summary


def proven(task: Task, out: Path, console: Console) -> str:
    """The preflight, with both frameworks imported; how it went. Raises ParityError."""
    frameworks.introduce(cache.folder())
    from train.proof.preflight import preflight

    with console.status("parity check in float64") as status:
        return preflight(
            task, out / "parity.json", lambda at: status.update(f"parity check in float64: {at}")
        )


def prove_again(task: Task, out: Path, framework: Framework) -> None:
    """Import the framework that is next, and look the check up by what it says now. Raises ParityError."""
    backend(framework)
    from train.proof.preflight import preflight

    preflight(task, out / "parity.json")


def describe_gap(gap: dict[str, float]) -> str:
    """How far two runs' training losses were apart."""
    return (
        f"JAX and PyTorch: training losses at most {gap['loss']:.1e} nats apart (step {gap['step']}), "
        f"{gap['first_step']:.1e} at the first step."
    )
