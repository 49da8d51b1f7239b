"""``twinformer resume``."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Resume:
    """Go on with a run that was interrupted, in the framework that began it or in the other."""

    run: tyro.conf.Positional[Path]
    """The run's folder. It stays as it is."""
    out: tyro.conf.Positional[Path]
    """The folder of the whole run, new or empty."""
    source: Framework | None = None
    """Whose last checkpoint to begin with, where both have one."""
    framework: Framework | None = None
    """Which framework goes on. Default: the one that began."""
    data_dir: Path | None = None
    """Folder that holds the data sets; else $TWINFORMER_DATA; else they are downloaded."""
    skip_parity: tyro.conf.FlagCreatePairsOff[bool] = False
    """Train without the parity check."""

    def interrupted(self) -> str:
        """What Ctrl-C left."""
        from train.runs.used import how_to_go_on

        return how_to_go_on(self.out)

    def carry_out(self, console: Console) -> int:
        from train.paths import check_data_dir
        from train.runs.files import read_config
        from train.runs.used import refuse_used

        check_data_dir(self.data_dir)
        read_config(self.run)
        refuse_used(self.out)

        from train.loops.memory import keep_freed_memory
        from train.resume import resume

        keep_freed_memory()
        resume(**vars(self), console=console)
        return 0
