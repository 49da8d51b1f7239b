"""The parity command: twins compared once, or trained side by side."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import TaskID, track

from parity_tests.core.compare import DType, all_passed, finite
from parity_tests.core.defect_results import all_found, print_defect_results
from parity_tests.core.page import page
from parity_tests.core.report import print_checks, to_json
from parity_tests.core.trajectory import Step
from parity_tests.twins.check import check_twin, find_twins, isolate_twin
from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.inject import try_defect
from parity_tests.twins.references import REFERENCES, check_reference
from train.config import ConfigError, write_json
from train.loops.fit import progress_bar
from train.presets import DATA
from train.proof.side_by_side import trajectory
from train.proof.training_defects import TRAINING_DEFECTS, try_training_defect
from train.proof.trajectory_report import draw_trajectories, print_trajectories
from train.runs.pictures import check_picture


@dataclass(frozen=True)
class Parity:
    """Compare the twins: outputs, taps and gradients; and both with third-party implementations.

    With --steps, train them side by side instead, and compare them after every step. With --defects, inject
    mistakes in PyTorch's twins, and show which are found, and where.
    """

    name: tyro.conf.Positional[str] = "all"
    """A model or block, or all. With --steps: classifier, bert or gpt, or all."""
    dtype: tuple[DType, ...] = ("float64",)
    """Precisions of the comparison; each has its own bound."""
    seed: int = 0
    """Of weights, inputs and dropout."""
    steps: int | None = None
    """Train a small model so many steps in both frameworks."""
    switch: int | None = None
    """With --steps: the run that is held against JAX's changes framework every so many steps."""
    defects: tyro.conf.FlagCreatePairsOff[bool] = False
    """Inject every defect of the catalogue."""
    json: Path | None = None
    """Write the checks to this file too."""
    html: Path | None = None
    """Write them as a page to this file too, with bars for each tap of the models that diverge."""
    plot: Path | None = None
    """With --steps: draw the losses and how far the twins are apart."""

    def check(self) -> None:
        """Raise ConfigError on options that do not go together."""
        if self.defects:
            for name, default in vars(Parity()).items():
                if name not in ("defects", "json") and getattr(self, name) != default:
                    raise ConfigError(f"{name}={getattr(self, name)}: --defects goes with --json only")
        if self.steps is None:
            for name in ("switch", "plot"):
                if getattr(self, name) is not None:
                    raise ConfigError(f"{name}={getattr(self, name)}: goes with --steps only")
            return
        if self.name not in ("all", *DATA):
            raise ConfigError(f"{self.name!r} is not trained: with --steps, choose all, {', '.join(DATA)}")
        if "bfloat16" in self.dtype:
            raise ConfigError("dtype=bfloat16: runs are compared step by step in float64 and float32")
        if self.html is not None:
            raise ConfigError(f"html={self.html}: trajectories have --plot and --json")
        if self.steps < 2:
            raise ConfigError(f"steps={self.steps}: give 2 or more; the loss has to fall")
        if self.plot is not None:
            check_picture(self.plot)
        if self.switch is not None and not 1 <= self.switch < self.steps:
            raise ConfigError(f"switch={self.switch}: give 1 or more, and less than steps={self.steps}")


def parity(command: Parity, console: Console) -> int:
    """Carry out the command; returns the exit status, 1 where anything diverges."""
    command.check()
    for path in (command.json, command.html, command.plot):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    if command.defects:
        return inject_defects(command, console)
    if command.steps is None:
        return compare_twins(command, console)
    return compare_trajectories(command, command.steps, console)


def compare_twins(command: Parity, console: Console) -> int:
    """Hold the twins that were asked for together, and each against its third-party references."""
    twins = find_twins(command.name)
    names = {twin.name for twin in twins}
    references = [reference for reference in REFERENCES if reference.twin.name in names]
    checks, isolations = [], []
    for dtype in command.dtype:
        for twin in track(twins, f"comparing the twins in {dtype}", console=console, transient=True):
            found = check_twin(twin, dtype, command.seed)
            checks += found
            if not all_passed(found):
                isolations += isolate_twin(twin, found, command.seed)
        if dtype != "bfloat16":
            for reference in track(references, "comparing with others", console=console, transient=True):
                checks += check_reference(reference, dtype, command.seed)
    print_checks(checks, console, isolations)
    if command.json is not None:
        write_json(command.json, to_json(checks, isolations))
    if command.html is not None:
        command.html.write_text(page(checks, isolations), encoding="utf-8")
    return 0 if all_passed(checks) else 1


def compare_trajectories(command: Parity, steps: int, console: Console) -> int:
    """Train the families that were asked for in both frameworks and hold them together at every step."""
    families = list(DATA) if command.name == "all" else [command.name]
    runs = [(family, dtype) for family in families for dtype in command.dtype]
    trajectories = []
    with progress_bar(console) as progress:
        for family, dtype in runs:
            bar = progress.add_task(f"{family} {dtype}", total=steps, status="")

            def watch(step: Step, bar: TaskID = bar) -> None:
                progress.update(bar, advance=1, status=f"loss {step.loss:.3f}")

            trajectories.append(trajectory(family, steps, dtype, command.switch, command.seed, watch))
    print_trajectories(trajectories, console)
    if command.json is not None:
        write_json(command.json, {"trajectories": [one.to_json() for one in trajectories]})
    if command.plot is not None:
        draw_trajectories(trajectories, command.plot)
    return 1 if any(one.problems() for one in trajectories) else 0


def inject_defects(command: Parity, console: Console) -> int:
    """Inject each defect of the catalogue, in the models and in training."""
    results = [
        *map(try_defect, track(DEFECTS, "injecting into the models", console=console, transient=True)),
        *map(try_training_defect, track(TRAINING_DEFECTS, "in training", console=console, transient=True)),
    ]
    print_defect_results(results, console)
    if command.json is not None:
        write_json(
            command.json, {"passed": all_found(results), "defects": [finite(vars(t)) for t in results]}
        )
    return 0 if all_found(results) else 1
