"""The parity command: twins trained side by side, and mistakes injected in them."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import TaskID, track

from parity_tests.core.compare import DType, finite
from parity_tests.core.defect_results import all_found, print_defect_results
from parity_tests.core.trajectory import Step
from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.inject import try_defect
from train.loops.fit import progress_bar
from train.proof.side_by_side import trajectory
from train.proof.training_defects import TRAINING_DEFECTS, try_training_defect
from train.runs.durable import write, write_json


def compare_trajectories(
    families: Sequence[str],
    dtypes: Sequence[DType],
    steps: int,
    switch: int | None,
    seed: int,
    json_path: Path | None,
    plot_path: Path | None,
    console: Console,
) -> int:
    """Train the families that were asked for in both frameworks and hold them together at every step."""
    from train.proof.trajectory_report import draw_trajectories, print_trajectories  # and matplotlib

    runs = [(family, dtype) for family in families for dtype in dtypes]
    trajectories = []
    with progress_bar(console) as progress:
        for family, dtype in runs:
            bar = progress.add_task(f"{family} {dtype}", total=steps, status="")

            def watch(step: Step, bar: TaskID = bar) -> None:
                progress.update(bar, advance=1, status=f"loss {step.loss:.3f}")

            trajectories.append(trajectory(family, steps, dtype, switch, seed, watch))
    print_trajectories(trajectories, console)
    write(json_path, lambda path: write_json(path, {"trajectories": [one.to_json() for one in trajectories]}))
    write(plot_path, lambda path: draw_trajectories(trajectories, path))
    return 1 if any(one.problems() for one in trajectories) else 0


def inject_defects(json_path: Path | None, console: Console) -> int:
    """Inject each defect of the catalogue, in the models and in training."""
    results = [
        *map(try_defect, track(DEFECTS, "injecting into the models", console=console, transient=True)),
        *map(try_training_defect, track(TRAINING_DEFECTS, "in training", console=console, transient=True)),
    ]
    print_defect_results(results, console)
    found = {"passed": all_found(results), "defects": [finite(vars(one)) for one in results]}
    write(json_path, lambda path: write_json(path, found))
    return 0 if all_found(results) else 1
