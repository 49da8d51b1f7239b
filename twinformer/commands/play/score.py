"""``twinformer play score``."""

from dataclasses import dataclass, field
from pathlib import Path

import tyro
from rich.console import Console

from train.config import ConfigError, Framework


@dataclass(frozen=True)
class Score:
    """The log-probability of a text after different openings, and the words that decide between them.

    twinformer play score runs/gpt-embedded-0 "the name is not found" --under "If" --under "A class is"
    """

    run: tyro.conf.Positional[Path]
    """The run's folder; an imported one too."""
    text: tyro.conf.Positional[str]
    """What follows each opening, with a space between."""
    under: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """An opening; again for each more, two at least. They are compared with the first; "" is nothing."""
    out: Path | None = None
    """Write it to this file too: .html, where an opening that is chosen colours the words, or .json."""
    framework: Framework = "jax"
    """Which framework computes."""

    def carry_out(self, console: Console) -> int:
        from study.play import openings
        from study.play.language import check_text, open_language
        from train.paths import check_file

        check_file("out", self.out, (".html", ".json"))
        check_text("the text", self.text)
        if len(self.under) < 2:
            raise ConfigError(f"{len(self.under)} openings: give two or more, each after --under")
        language = open_language(self.run)
        openings.joined(language, self.text, self.under)

        from study.play.page import write_openings
        from study.play.tables import print_openings
        from train.runs.load import load

        found = openings.score(load(self.run, self.framework), language, self.text, self.under)
        print_openings(found, console)
        write_openings(self.out, found, self.framework)
        return 0
