"""``twinformer question tied``."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Tied:
    """Are the dense layers different in each block? One for all blocks, and a trained model's exchanged.

    With models of as few parameters to compare with. About five minutes.
    """

    layers: int = 4
    """Blocks."""
    steps: int = 300
    """Updates of a run."""
    seeds: int = 3
    """Runs of each model."""
    framework: Framework = "jax"
    """Which one trains."""
    out: Path = Path("runs/questions/tied")
    """The folder for record.json and tied.png."""

    def carry_out(self, console: Console) -> int:
        from study.questions.settings import check_counts
        from study.questions.tied.settings import check_layers
        from study.record import check_out

        check_counts(least=2, layers=self.layers)
        check_counts(steps=self.steps, seeds=self.seeds)
        check_layers(self.layers)
        check_out(self.out)

        from study.questions.tables import print_table
        from study.questions.tied.study import Settings, study, summary

        record = study(Settings(self.layers, self.steps), self.seeds, self.framework, self.out, console)
        print_table(("model", "parameters", "nats a token"), summary(record), console)
        console.print(f"{self.out}", highlight=False)
        return 0
