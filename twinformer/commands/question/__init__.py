"""``twinformer question``: the curriculum's questions, an experiment a file."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console

from twinformer.commands.question.mask import Mask
from twinformer.commands.question.recall import Recall
from twinformer.commands.question.scale import Scale
from twinformer.commands.question.shakespeare import Shakespeare
from twinformer.commands.question.skips import Skips
from twinformer.commands.question.tied import Tied
from twinformer.commands.question.weights import Weights
from twinformer.commands.question.widths import Widths

Which = (
    Mask  # one a line
    | Recall
    | Scale
    | Shakespeare
    | Skips
    | Tied
    | Weights
    | Widths
)


@dataclass(frozen=True)
class Question:
    """Answer a question about transformers by an experiment: see docs/questions.md."""

    which: Annotated[Which, tyro.conf.arg(name="")]

    def carry_out(self, console: Console) -> int:
        return self.which.carry_out(console)
