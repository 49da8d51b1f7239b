"""The parity command: twins compared once, or trained side by side."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import TaskID, track

from parity_tests.core.compare import Check, DType, all_passed, finite
from parity_tests.core.defect_results import all_found, print_defect_results
from parity_tests.core.isolate import Isolation
from parity_tests.core.page import page
from parity_tests.core.report import print_checks, to_json
from parity_tests.core.trajectory import Step
from parity_tests.twins.check import check_twin, find_twins, isolate_twin
from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.inject import try_defect
from parity_tests.twins.inputs import Twin
from parity_tests.twins.references import REFERENCES, Reference, check_reference
from train.loops.fit import progress_bar
from train.proof import cache
from train.proof.side_by_side import trajectory
from train.proof.training_defects import TRAINING_DEFECTS, try_training_defect
from train.runs.durable import write, write_json


def compare_twins(
    name: str,
    dtypes: Sequence[DType],
    seed: int,
    json_path: Path | None,
    html_path: Path | None,
    console: Console,
    again: bool = False,
) -> int:
    """Hold the twins that were asked for together, and each against its third-party references.

    Like the others here, it writes what it finds and returns the exit status, 1 where anything diverges. What
    passed before is not computed ``again``, unless that is asked for.
    """
    twins = find_twins(name)
    names = {twin.name for twin in twins}
    references = [reference for reference in REFERENCES if reference.twin.name in names]
    question = {"twins": sorted(names), "dtypes": list(dtypes), "seed": seed}
    entry = cache.digest(question, [])
    remembered = None if again else cache.recall(entry, lambda checks: names <= {one.model for one in checks})
    if remembered is None:
        checks, isolations = _compared(twins, references, dtypes, seed, console)
        if all_passed(checks):
            cache.remember(entry, checks)
    else:
        checks, isolations = remembered, []
    print_checks(checks, console, isolations)
    if remembered is not None:
        console.print("Held before, for the same code, libraries and machine; --again computes it again.")
    write(json_path, lambda path: write_json(path, to_json(checks, isolations)))
    write(html_path, lambda path: path.write_text(page(checks, isolations), encoding="utf-8"))
    return 0 if all_passed(checks) else 1


def _compared(
    twins: Sequence[Twin],
    references: Sequence[Reference],
    dtypes: Sequence[DType],
    seed: int,
    console: Console,
) -> tuple[list[Check], list[Isolation]]:
    """All checks, and what diverges by itself in those that fail."""
    checks: list[Check] = []
    isolations: list[Isolation] = []
    for dtype in dtypes:
        for twin in track(twins, f"comparing the twins in {dtype}", console=console, transient=True):
            found = check_twin(twin, dtype, seed)
            checks += found
            if not all_passed(found):
                isolations += isolate_twin(twin, found, seed)
        if dtype != "bfloat16":
            for reference in track(references, "comparing with others", console=console, transient=True):
                checks += check_reference(reference, dtype, seed)
    return checks, isolations


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
