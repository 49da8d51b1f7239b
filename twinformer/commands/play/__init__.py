"""``twinformer play``: experiments with a language model, one a file."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console

from twinformer.commands.play.bits import Bits
from twinformer.commands.play.multiverse import Multiverse
from twinformer.commands.play.score import Score
from twinformer.commands.play.shots import Shots
from twinformer.commands.play.sort import Sort


@dataclass(frozen=True)
class Play:
    """Try what a language model can do, and see what it cannot: a trained GPT, or an imported one."""

    what: Annotated[Bits | Shots | Sort | Score | Multiverse, tyro.conf.arg(name="")]

    def carry_out(self, console: Console) -> int:
        return self.what.carry_out(console)
