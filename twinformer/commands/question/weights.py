"""``twinformer question weights``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Weights:
    """Which other functions of queries and keys give weights? Five of them, trained alike.

    The scaled dot product, additive, cosine, bilinear without a softmax, linear attention; on text and on
    digits that come backwards.
    """

    tasks: tuple[Literal["text", "digits"], ...] = ("text", "digits")
    """What is learned."""
    steps: int = 400
    """Updates of a run."""
    seeds: int = 3
    """Runs of each, with weights and batches of their own."""
    framework: Framework = "torch"
    """Which one trains."""
    out: Path = Path("runs/questions/weights")
    """The folder for record.json and weights.png."""

    def carry_out(self, console: Console) -> int:
        from study.questions.settings import check_counts
        from study.record import check_out

        check_counts(tasks=len(self.tasks), steps=self.steps, seeds=self.seeds)
        check_out(self.out)

        from study.questions.learned import print_losses
        from study.questions.weights.study import Settings, study

        print_losses(
            study(Settings(self.steps, self.tasks), self.seeds, self.framework, self.out, console), console
        )
        console.print(f"{self.out}", highlight=False)
        return 0
