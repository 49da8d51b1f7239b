"""``twinformer attention``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console
from rich.table import Table

from train.config import ConfigError, Framework

SUFFIXES = (".png", ".svg", ".pdf", ".html")


@dataclass(frozen=True)
class Attention:
    """Draw where a run's model looks in a sentence: all heads at a glance, or one; as a picture or a page.

    twinformer attention runs/gpt-embedded-0 "If the name is not found, the name is searched" --out heads.png
    """

    run: tyro.conf.Positional[Path]
    """The run's folder; an imported one too."""
    text: tyro.conf.Positional[str]
    """What the model reads; of the reversal the symbols of a source: "3 1 4"."""
    out: Path
    """The file: .png, .svg, .pdf, or .html, where a token that is pointed at shows where it looks."""
    layer: int | None = None
    """One layer alone, counted from 0."""
    head: int | None = None
    """With --layer: one head, over its words."""
    which: Literal["encoder", "decoder", "cross"] | None = None
    """Of an encoder-decoder: its attention in the source, in what it writes, or from there to the source."""
    framework: Framework = "jax"
    """Which framework computes; both draw the same."""

    def carry_out(self, console: Console) -> int:
        from train.paths import check_file
        from train.runs.files import read_model

        check_file("out", self.out, SUFFIXES)
        architecture = read_model(self.run)[0]
        config: Any = architecture.config
        for name, number in (("layer", config.layers), ("head", config.heads)):
            value = getattr(self, name)
            if value is not None and not 0 <= value < number:
                raise ConfigError(f"{name}={value}: there are {number}; give one from 0 to {number - 1}")
        if self.head is not None and self.layer is None:
            raise ConfigError(f"head={self.head}: of which layer? give --layer too")
        several = architecture.name == "encoder_decoder"
        if self.which is not None and not several:
            raise ConfigError(f"which={self.which}: {self.run} has one kind of attention; leave it out")
        if self.head is not None and several and self.which is None:
            raise ConfigError(f"head={self.head}: of which attention? give --which encoder, decoder or cross")

        from study.attention.draw import draw

        found = draw(self.run, self.text, self.framework, self.out, self.layer, self.head, self.which)
        console.print(_table(found))
        console.print(f"{self.out}", highlight=False)
        return 0


def _table(rows: list[Any]) -> Table:
    """What each head does."""
    table = Table(box=None, pad_edge=False)
    names = ("entropy", "previous", "first", "same", "induction")
    for header in ("head", *names):
        table.add_column(header, justify="right")
    for row in rows:
        values = [getattr(row, name) for name in names]
        name = f"{row.kind} {row.layer}.{row.head}".strip()
        table.add_row(name, *("" if v is None else f"{v:.2f}" for v in values))
    return table
