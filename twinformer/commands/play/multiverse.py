"""``twinformer play multiverse``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from study.play.growth import Growth
from train.config import Framework


@dataclass(frozen=True)
class Multiverse:
    """A tree of what may follow a prompt, each branch with its probability.

    twinformer play multiverse runs/gpt-embedded-0 "The class" --branch 3 --depth 6 --out tree.html
    """

    run: tyro.conf.Positional[Path]
    """The run's folder; an imported one too."""
    prompt: tyro.conf.Positional[str]
    """What comes before; "" begins a text."""
    growth: Annotated[Growth, tyro.conf.arg(name="")] = field(default_factory=Growth)
    out: Path | None = None
    """Write the tree to this file: .html, where branches open, close and can be pruned, or .json."""
    framework: Framework = "jax"
    """Which framework computes."""

    def carry_out(self, console: Console) -> int:
        from study.play.language import open_language
        from study.play.multiverse import check_fits, grow
        from train.paths import check_file

        check_file("out", self.out, (".html", ".json"))
        self.growth.check()
        language = open_language(self.run)
        check_fits(language, self.prompt, self.growth)

        from study.play.page import write_multiverse
        from study.play.tables import print_multiverse
        from train.runs.load import load

        tree = grow(load(self.run, self.framework), language, self.prompt, self.growth)
        print_multiverse(tree, console)
        write_multiverse(self.out, tree, self.framework)
        return 0
