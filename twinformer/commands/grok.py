"""``twinformer grok``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console
from rich.table import Table

from study.grok.settings import Operation, Settings
from train.config import FRAMEWORKS, ConfigError, Framework


@dataclass(frozen=True)
class Grok:
    """Train a one-layer transformer on a ∘ b modulo a prime: it generalises long after it memorised.

    Several seeds, reported by median and range, and what they compute. The model is held together in both
    frameworks first. A run of the defaults takes about a minute.

    twinformer grok --prime 53 --fraction 0.5 --batch 0 --every 5
    """

    prime: int = Settings.prime
    """The modulus."""
    operation: Operation = Settings.operation
    """What is done with a and b."""
    fraction: float = Settings.fraction
    """Share of all pairs that is trained on; the others are the test."""
    weight_decay: float = Settings.weight_decay
    """Of all weights, decoupled (times the learning rate)."""
    batch: int = Settings.batch
    """Pairs a step; 0: all training pairs."""
    steps: int = Settings.steps
    """Updates of a run."""
    every: int = Settings.every
    """Updates between two evaluations, which is how finely milestones are known."""
    seeds: int = 5
    """Runs, each with weights, split and batches of its own."""
    framework: Literal["jax", "torch", "both"] = "jax"
    """Which one trains; both: one after the other, and their first steps compared."""
    controls: tyro.conf.FlagCreatePairsOff[bool] = False
    """Also weight decay 0, random labels, and a point on each side of the published boundary of weight decay,
    0.0158; these two are five times as long."""
    out: Path = Path("runs/grok")
    """The folder for record.json, curves.png and mechanism.png."""

    def carry_out(self, console: Console) -> int:
        from study.record import check_out
        from twinformer.messages import options, typed

        names = ("prime", "operation", "fraction", "weight_decay", "batch", "steps", "every")
        settings = Settings(**{name: getattr(self, name) for name in names})
        settings.check()
        if self.seeds < 1:
            raise ConfigError(f"seeds={self.seeds}: give 1 or more")
        check_out(self.out)

        from study.grok.study import study

        frameworks: tuple[Framework, ...] = FRAMEWORKS if self.framework == "both" else (self.framework,)
        changed = [
            typed(option, value) for option, name, value in options(self) if value != getattr(Grok, name)
        ]
        command = " ".join(["twinformer grok", *changed])
        record = study(settings, self.seeds, frameworks, self.controls, self.out, command, console)
        console.print(_table(record))
        for dtype, apart in record.get("trajectories", {}).items():
            last = apart[-1]
            console.print(
                f"{dtype}: the frameworks' losses are {last['loss']:.1e} apart after {last['step']} steps "
                f"from one start, their weights {last['parameter']:.1e}"
            )
        console.print(f"{self.out}", highlight=False)
        return 0

    def interrupted(self) -> str:
        """What is left after Ctrl-C."""
        from study.record import RECORD

        return f"{self.out / RECORD} holds the runs that were done" if (self.out / RECORD).exists() else ""


def _table(record: dict[str, Any]) -> Table:
    """A row for the seeds of each framework, and one for each control."""
    from study.grok.milestones import ACCURACIES, LOSSES, Spread
    from study.grok.study import SEEDS

    names = [*ACCURACIES, *LOSSES]
    table = Table(box=None, pad_edge=False, title="Steps: median (range)", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for framework, milestones in record["summary"].items():
        count = sum(run["name"] == SEEDS and run["framework"] == framework for run in record["runs"])
        table.add_row(f"{framework}, seeds: {count}", *(str(Spread(**milestones[name])) for name in names))
    for run in record["runs"]:
        if run["name"] != SEEDS:
            steps = (run["milestones"].get(name, "") for name in names)
            table.add_row(run["name"], *("never" if step is None else str(step) for step in steps))
    return table
