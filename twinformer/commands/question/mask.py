"""``twinformer question mask``."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Mask:
    """Does a decoder see what it is to say? Random digits, then the same backwards: the best is ½ ln 10.

    The correct mask, and three that let something through, trained alike. About seven minutes.
    """

    count: int = 10
    """Digits in a row; they come twice."""
    steps: int = 2000
    """Updates of a run."""
    seeds: int = 3
    """Runs with the correct mask."""
    framework: Framework = "jax"
    """Which one trains."""
    out: Path = Path("runs/questions/mask")
    """The folder for record.json and mask.png."""

    def carry_out(self, console: Console) -> int:
        from study.questions.settings import check_counts
        from study.record import check_out

        check_counts(count=self.count, steps=self.steps, seeds=self.seeds)
        check_out(self.out)

        from study.questions.mask.study import Settings, study
        from study.questions.tables import print_table

        record = study(Settings(self.count, self.steps), self.seeds, self.framework, self.out, console)
        rows = [
            (run["name"], run["seed"], f"{run['loss']:.5g} ± {run['standard_error']:.1g}", run["verdict"])
            for run in record["runs"]
        ]
        print_table(("mask", "seed", "nats a token", ""), rows, console)
        console.print(f"{self.out}", highlight=False)
        return 0
