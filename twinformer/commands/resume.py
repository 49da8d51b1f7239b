"""``twinformer resume``."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from train.config import ConfigError, Framework


@dataclass(frozen=True)
class Resume:
    """Go on with a run that was interrupted: in its folder, or in a new one and in either framework."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    out: tyro.conf.Positional[Path | None] = None
    """The folder of the whole run, new or empty; then the old one stays as it is. Default: the run's own."""
    source: Framework | None = None
    """With a new folder: whose last checkpoint to begin with, where both have one."""
    framework: Framework | None = None
    """With a new folder: which framework goes on. Default: the one that began."""
    data_dir: Path | None = None
    """Folder that holds the data sets, or one's own data, where it lies now; else $TWINFORMER_DATA; else they
    are downloaded."""
    skip_parity: tyro.conf.FlagCreatePairsOff[bool] = False
    """Train without the parity check."""

    def interrupted(self) -> str:
        """What a signal left."""
        from train.runs.used import how_to_go_on

        return how_to_go_on(self.out or self.run)

    def carry_out(self, console: Console) -> int:
        from train.paths import check_data_dir
        from train.runs.files import read_config
        from train.runs.plan import read_plan
        from train.runs.used import refuse_used

        check_data_dir(self.data_dir)
        read_config(self.run).check()
        if self.out is not None:
            refuse_used(self.out)
        else:
            for name in ("source", "framework"):
                if getattr(self, name) is not None:
                    raise ConfigError(f"{name}={getattr(self, name)}: goes with a new folder; name one")
            read_plan(self.run)

        from train.loops.memory import keep_freed_memory
        from train.resume import resume

        keep_freed_memory()
        resume(**vars(self), console=console)
        return 0
