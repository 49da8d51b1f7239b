"""``twinformer grade``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console

from train.config import ConfigError, Framework

Parts = Literal["attention", "single_head", "multi_head", "block", "classifier", "bert", "gpt"]


@dataclass(frozen=True)
class Grade:
    """Grade your own attention, heads, block or model, and say what is wrong with it.

    twinformer grade --start multi_head --framework jax; twinformer grade multi_head_jax.py

    The file's code is run, in a process of its own: grade no file that you would not run.
    """

    files: tyro.conf.Positional[list[Path]] = field(default_factory=list)
    """Your file; two of one part, in JAX and in PyTorch, are held against each other too."""
    part: Parts | None = None
    """What it is. Default: what its name says."""
    framework: Framework | None = None
    """Which framework it is written in. Default: the one that it imports."""
    name: str | None = None
    """Of your function or class, where the file has several."""
    start: Parts | None = None
    """Write a file to begin with instead, without the answer."""

    def carry_out(self, console: Console) -> int:
        if self.start is not None:
            return self._begin(console)
        if not 1 <= len(self.files) <= 2:
            raise ConfigError(
                "give your file, or two of one part; --start multi_head writes one to begin with"
            )
        for path in self.files:
            if not path.is_file():
                raise ConfigError(f"{path} is no file: --start multi_head writes one to begin with")
        from study.grade import found

        for path in self.files:
            found.read(path)
        from study.grade.both import agreement
        from study.grade.grade import grade
        from study.grade.report import print_grade

        grades = []
        for path in self.files:
            with console.status("starting") as status:
                grades.append(grade(path, self.part, self.framework, self.name, status.update))
            print_grade(grades[-1], console)
        if len(grades) == 2:
            console.print(agreement(*grades))
        return 0 if all(one.passed for one in grades) else 1

    def _begin(self, console: Console) -> int:
        from study.grade.start import begin

        if len(self.files) > 1 or self.framework is None:
            raise ConfigError(
                "--start takes --framework jax or --framework torch, and one file to write at most"
            )
        assert self.start is not None
        path = begin(self.start, self.framework, self.files[0] if self.files else None)
        console.print(f"{path}: fill it in, then twinformer grade {path}", highlight=False, soft_wrap=True)
        return 0
