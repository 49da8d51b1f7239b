"""``twinformer record``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console

from train.config import ConfigError
from train.paths import check_file


@dataclass(frozen=True)
class Record:
    """Record a reference, so that candidates can be compared where it is not installed.

    twinformer record port.py reference.safetensors

    The file is run. docs/porting.md says what is recorded.
    """

    file: tyro.conf.Positional[Path]
    """A Python file that defines reference and inputs, as `compare` takes them; perhaps weights and taps."""
    out: tyro.conf.Positional[Path]
    """What is written: reference.safetensors."""
    dtype: Literal["float64", "float32"] = "float64"
    """The precision of the comparison."""
    digests: tyro.conf.FlagCreatePairsOff[bool] = False
    """Digests in the place of weights, which a candidate has to bring then."""

    def carry_out(self, console: Console) -> int:
        if not self.file.is_file():
            raise ConfigError(f"{self.file} is no file: give one that defines a reference and inputs")
        check_file("out", self.out, {".safetensors"})

        from parity_tests.pair_file import record_file
        from train.runs.durable import write

        with console.status("recording"):
            write(self.out, lambda path: record_file(self.file, path, self.dtype, self.digests))
        console.print(f"{self.out}: {self.out.stat().st_size:,} bytes", highlight=False, soft_wrap=True)
        return 0
