"""``twinformer shapes``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from train.config import ConfigError


@dataclass(frozen=True)
class Shapes:
    """Show every intermediate and every parameter of a model, with its axes, in JAX and in PyTorch.

    twinformer shapes gpt --length 32 --html gpt.html
    """

    subject: tyro.conf.Positional[str]
    """A model or block (twinformer parity --help has the names), a run's folder, or one of Hugging Face."""
    batch: int | None = None
    """How many rows. Default: 2."""
    length: int | None = None
    """How many positions. Default: the block's own, or 16."""
    set: Annotated[list[str], tyro.conf.arg(metavar="NAME=VALUE")] = field(default_factory=list)
    """Settings of the model that are changed: embed=64 heads=4 norm=rms."""
    html: Path | None = None
    """Write a page to this file, with sliders for batch, length and heads."""
    json: Path | None = None
    """Write all of it to this file too."""
    quiz: tyro.conf.FlagCreatePairsOff[bool] = False
    """Ask exercises about these shapes instead."""
    questions: int = 8
    """How many exercises."""
    seed: int = 0
    """Which ones."""

    def carry_out(self, console: Console) -> int:
        from study.shapes.settings import check_subject, parse
        from train.paths import check_file

        for name in ("batch", "length", "questions"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= 2**20:
                raise ConfigError(f"{name}={value}: give 1 or more, up to 2^20")
        settings = parse(self.set)
        check_subject(self.subject)
        for name in ("html", "json"):
            check_file(name, getattr(self, name))

        from study.shapes.atlas import atlas
        from study.shapes.page import page
        from study.shapes.subject import find
        from train.runs.durable import write, write_json

        subject = find(self.subject, self.batch, self.length, settings)
        found = atlas(subject)
        write(self.html, lambda path: path.write_text(page(subject, found), "utf-8"))
        write(self.json, lambda path: write_json(path, found.to_json()))
        if self.quiz:
            from study.shapes.quiz import ask

            ask(found, self.questions, self.seed, console, input)
            return 0
        from study.shapes.table import WIDTH, print_atlas

        wide = console if console.is_terminal else Console(width=WIDTH, markup=False, emoji=False)
        print_atlas(found, wide)
        return 0
