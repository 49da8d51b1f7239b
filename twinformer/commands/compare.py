"""``twinformer compare``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console

from train.config import ConfigError
from train.paths import check_file


@dataclass(frozen=True)
class Compare:
    """Compare two models of your own, which a Python file defines: reference, candidate, inputs.

    twinformer compare port.py --json parity.json

    The file is run. Exit status: 0 parity, 1 none. docs/porting.md goes through such a file.
    """

    file: tyro.conf.Positional[Path]
    """Defines reference, candidate and inputs, as `compare` takes them; perhaps weights, taps and bound. A
    reference that was recorded is its path, and has its inputs in it."""
    dtype: Literal["float64", "float32"] = "float64"
    """The precision of the comparison."""
    json: Path | None = None
    """Write the report to this file too."""
    html: Path | None = None
    """Write it as a page to this file too."""
    github: tyro.conf.FlagCreatePairsOff[bool] = False
    """Also as GitHub's annotation, and into the summary of its step."""

    def carry_out(self, console: Console) -> int:
        if not self.file.is_file():
            raise ConfigError(f"{self.file} is no file: give one that defines a reference and a candidate")
        for name in ("json", "html"):
            check_file(name, getattr(self, name))

        from parity_tests.pair_file import compare_file, tell_github
        from train.runs.durable import write, write_json

        with console.status("comparing"):
            comparison = compare_file(self.file, self.dtype)
        console.print(str(comparison), highlight=False)
        write(self.json, lambda path: write_json(path, comparison.to_json()))
        write(self.html, lambda path: path.write_text(comparison.to_html(), "utf-8"))
        if self.github:
            tell_github(self.file, comparison)
        return 0 if comparison.passed else 1
