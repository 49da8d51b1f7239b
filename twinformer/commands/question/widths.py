"""``twinformer question widths``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from train.config import ConfigError, Framework


@dataclass(frozen=True)
class Widths:
    """Which dimensions do queries, keys and values have? Each varied alone, and heads at the same total.

    The scores of one head have the rank of head_dim at most: their singular values are shown.
    """

    widths: tuple[int, ...] = (1, 2, 4, 16, 64)
    """head_dim at value_dim 16, and value_dim at head_dim 16, of one head."""
    heads: tuple[int, ...] = (1, 4, 16)
    """Numbers of heads that share 16."""
    tasks: tuple[Literal["text", "digits"], ...] = ("text", "digits")
    """What is learned."""
    steps: int = 400
    """Updates of a run."""
    seeds: int = 3
    """Runs of each, with weights and batches of their own."""
    framework: Framework = "torch"
    """Which one trains."""
    out: Path = Path("runs/questions/widths")
    """The folder for record.json and widths.png."""

    def carry_out(self, console: Console) -> int:
        from study.questions.settings import check_counts
        from study.record import check_out

        check_counts(tasks=len(self.tasks), steps=self.steps, seeds=self.seeds)
        check_counts(widths=min(self.widths, default=0))
        for count in self.heads:
            if count not in (1, 2, 4, 8, 16):
                raise ConfigError(f"heads={self.heads}: give 1, 2, 4, 8 or 16, which divide 16")
        check_out(self.out)

        from study.questions.learned import print_losses
        from study.questions.widths.study import Settings, study

        settings = Settings(self.widths, self.heads, self.steps, self.tasks)
        print_losses(study(settings, self.seeds, self.framework, self.out, console), console)
        console.print(f"{self.out}", highlight=False)
        return 0
