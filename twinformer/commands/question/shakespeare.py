"""``twinformer question shakespeare``."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Shakespeare:
    """What does a small GPT learn of Shakespeare? The complete works, cut at the boundaries of words.

    About ten minutes. The text is not downloaded: see twinformer train gpt-shakespeare --help.
    """

    steps: int = 2000
    """Updates."""
    prompt: str = "My lord, "
    """What the sample begins with."""
    framework: Framework = "jax"
    """Which one trains."""
    data_dir: Path | None = None
    """Folder that holds the data sets; else $TWINFORMER_DATA."""
    out: Path = Path("runs/questions/shakespeare")
    """The folder for record.json and shakespeare.png."""

    def carry_out(self, console: Console) -> int:
        from study.questions.settings import check_counts
        from study.record import check_out

        check_counts(steps=self.steps)
        check_out(self.out)

        from study.questions.shakespeare.study import Settings, study
        from study.questions.tables import print_table

        settings = Settings(steps=self.steps, prompt=self.prompt)
        record = study(settings, self.framework, self.data_dir, self.out, console)
        (run,) = record["runs"]
        rows = [
            (name, *(f"{scores[column]:.4g}" for column in ("nats", "perplexity", "bits_per_byte")))
            for name, scores in run["scores"].items()
        ]
        print_table(("on the test split", "nats a token", "perplexity", "bits per byte"), rows, console)
        console.print(run["sample"]["text"], highlight=False)
        console.print(f"{self.out}", highlight=False)
        return 0
