"""``twinformer question recall``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Recall:
    """How does a transformer stand to recurrence? An LSTM of as many parameters recalls a symbol beside it.

    After distances that grow; and what a token takes. About ten minutes.
    """

    distances: tuple[int, ...] = (4, 16, 64, 256)
    """Tokens of noise between the symbol and the question."""
    lengths: tuple[int, ...] = (16, 64, 256, 1024)
    """Of the rows whose steps are timed, up to 1,026."""
    steps: int = 1500
    """Updates of a run, at most."""
    seeds: int = 3
    """Runs of each distance."""
    framework: Framework = "jax"
    """Which one trains."""
    out: Path = Path("runs/questions/recall")
    """The folder for record.json and recall.png."""

    def carry_out(self, console: Console) -> int:
        from study.questions.settings import check_counts
        from study.record import check_out
        from train.config import ConfigError

        check_counts(steps=self.steps, seeds=self.seeds, distances=min(self.distances))
        check_counts(3, lengths=min(self.lengths))
        for name, largest, values in (("lengths", 1026, self.lengths), ("distances", 1024, self.distances)):
            if max(values) > largest:
                raise ConfigError(f"{name}={max(values)}: give {largest} or less")
        check_out(self.out)

        from study.questions.recall.study import Settings, study
        from study.questions.tables import print_table

        settings = Settings(self.distances, self.lengths, self.steps)
        record = study(settings, self.seeds, self.framework, self.out, console)
        steps = [
            (run["name"], run["distance"], run["seed"], run["steps"] or "not yet")
            for run in record["runs"]
            if "distance" in run
        ]

        def microseconds(run: dict[str, Any]) -> str:
            return f"{1e6 * run['seconds_a_token']:.3g}"

        timed = [run for run in record["runs"] if "length" in run]
        times = [
            (one["name"], one["length"], microseconds(one), one["chain"], one["state_bytes"]) for one in timed
        ]
        print_table(("", "distance", "seed", "steps"), steps, console)
        print_table(("", "length", "µs a token", "products in a row", "bytes of state"), times, console)
        console.print(f"{self.out}", highlight=False)
        return 0
