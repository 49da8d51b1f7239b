"""``twinformer question skips``."""

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Skips:
    """Why are there skip connections? They are taken away, at several depths, with the norm before or after.

    About fifteen minutes.
    """

    depths: list[int] = field(default_factory=lambda: [1, 2, 4, 8, 16])
    """Layers of the models."""
    steps: int = 300
    """Updates of a run; 0: only what passes through before training."""
    framework: Framework = "torch"
    """Which one trains; JAX would compile a program for each depth."""
    out: Path = Path("runs/questions/skips")
    """The folder for record.json and skips.png."""

    def carry_out(self, console: Console) -> int:
        from study.questions.settings import check_counts
        from study.record import check_out

        check_counts(least=0, steps=self.steps)
        check_counts(depths=min(self.depths, default=0))
        check_out(self.out)

        from study.questions.skips.study import Settings, study
        from study.questions.tables import print_table

        settings = Settings(depths=tuple(self.depths), steps=self.steps)
        record = study(settings, self.framework, self.out, console)
        runs = {(r["start"], r["norm"], r["skips"], r["layers"]): r["loss"] for r in record["runs"]}
        kinds = dict.fromkeys(key[:3] for key in runs)
        rows = [
            (f"{start}, {norm}, {skips}", *(f"{runs[start, norm, skips, n]:.3f}" for n in self.depths))
            for start, norm, skips in kinds
        ]
        print_table(("begins, norm, skips", *(f"{n} layers" for n in self.depths)), rows, console)
        console.print(f"{self.out}", highlight=False)
        return 0
