"""``twinformer generate``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.text import Text

from train.config import Framework
from train.runs.sampling import Sampling, check_prompts


@dataclass(frozen=True)
class Generate:
    """Let a GPT go on writing. The same seed gives the same text in both frameworks."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    prompts: tyro.conf.Positional[list[str]]
    """One text or more, of any lengths, to go on from."""
    sampling: Annotated[Sampling, tyro.conf.arg(name="")] = field(default_factory=Sampling)
    framework: Framework = "jax"
    """Which framework computes."""

    def carry_out(self, console: Console) -> int:
        from train.runs.files import check_writes, read_model
        from train.runs.used import warn_unfinished

        self.sampling.check()
        check_prompts(self.prompts)
        check_writes(self.run, read_model(self.run)[0])

        from train.runs.generate import generate

        texts = generate(self.run, self.prompts, self.sampling, self.framework)
        warn_unfinished(self.run)
        prompts = [prompt for prompt in self.prompts for _ in range(self.sampling.num)]
        for prompt, text in zip(prompts, texts, strict=True):
            console.print(Text.assemble((prompt, "bold"), text, "\n"))
        return 0
