"""``twinformer question``: the curriculum's questions, an experiment a file."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console

from twinformer.commands.question.mask import Mask


@dataclass(frozen=True)
class Question:
    """Answer a question about transformers by an experiment: see docs/questions.md."""

    which: Annotated[Mask, tyro.conf.arg(name="")]

    def carry_out(self, console: Console) -> int:
        return self.which.carry_out(console)
