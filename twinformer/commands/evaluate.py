"""``twinformer evaluate``."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Evaluate:
    """Recompute a run's report from its checkpoint, in either framework."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    framework: Framework = "jax"
    """Which framework computes."""
    data_dir: Path | None = None
    """Folder that holds the data sets, or one's own data, where it lies now; else $TWINFORMER_DATA; else they
    are downloaded."""

    def carry_out(self, console: Console) -> int:
        from train.paths import check_data_dir, check_file
        from train.runs.files import read_config
        from train.runs.used import warn_unfinished

        check_data_dir(self.data_dir)
        read_config(self.run)
        check_file("run", self.run / f"evaluation-{self.framework}.json")

        from train.evaluate import evaluate

        evaluate(self.run, self.framework, self.data_dir, console)
        warn_unfinished(self.run)
        return 0
