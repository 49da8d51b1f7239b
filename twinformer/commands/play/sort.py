"""``twinformer play sort``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from train.config import ConfigError, Framework


@dataclass(frozen=True)
class Sort:
    """Let a model sort lists of numbers, with and without examples before.

    twinformer play sort runs/gpt-embedded-0 -k 0 1 3
    """

    run: tyro.conf.Positional[Path]
    """The run's folder; an imported one too."""
    k: Annotated[list[int], tyro.conf.arg(aliases=["-k"])] = field(default_factory=lambda: [0, 1, 3])
    """Examples before each list, drawn anew for each."""
    lists: int = 100
    """How many lists."""
    length: int = 4
    """Numbers in a list, from 0 to 9."""
    seed: int = 0
    """Of the draws."""
    out: Path | None = None
    """Write the figures to this JSON file too."""
    framework: Framework = "jax"
    """Which framework computes."""

    def carry_out(self, console: Console) -> int:
        from study.play import sorting
        from study.play.few_shot import check_numbers
        from study.play.language import open_language
        from train.paths import check_file

        check_file("out", self.out, (".json",))
        check_numbers(self.k, self.seed, lists=self.lists)
        if not 3 <= self.length <= sorting.LONGEST:
            raise ConfigError(
                f"length={self.length}: give 3 to {sorting.LONGEST}: all orders of a list are tried"
            )
        language = open_language(self.run)
        lists = sorting.draw(self.lists, self.length, max(self.k), self.seed)
        sorting.check_length(language, lists, max(self.k))

        from study.play.tables import print_sorting
        from study.record import write_record
        from train.runs.load import load

        run = load(self.run, self.framework)
        rows = [
            sorting.sort(run, language, lists, k, shuffled, console)
            for k in self.k
            for shuffled in ((False, True) if k else (False,))
        ]
        print_sorting(rows, self.length, console)
        write_record(self.out, length=self.length, ways=[vars(row) for row in rows])
        return 0
