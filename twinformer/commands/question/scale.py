"""``twinformer question scale``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Scale:
    """Why are scores divided by the square root of head_dim? With and without, over head_dim.

    The scores, the weights and the gradient at the start, and the loss in the end; from queries and keys of
    unit variance, and from GPT-2's deviation of 0.02.
    """

    widths: tuple[int, ...] = (4, 16, 64, 128)
    """head_dim, everything else as it is."""
    task: Literal["text", "digits"] = "digits"
    """What is learned: text, or digits that come backwards."""
    steps: int = 400
    """Updates of a run."""
    seeds: int = 3
    """Runs of each, with weights and batches of their own."""
    framework: Framework = "torch"
    """Which one trains."""
    out: Path = Path("runs/questions/scale")
    """The folder for record.json and scale.png."""

    def carry_out(self, console: Console) -> int:
        from study.questions.settings import check_counts
        from study.record import check_out

        check_counts(widths=min(self.widths, default=0), steps=self.steps, seeds=self.seeds)
        check_out(self.out)

        from study.questions.learned import print_losses
        from study.questions.scale.study import Settings, study

        settings = Settings(self.widths, self.steps, self.task)
        print_losses(study(settings, self.seeds, self.framework, self.out, console), console)
        console.print(f"{self.out}", highlight=False)
        return 0
