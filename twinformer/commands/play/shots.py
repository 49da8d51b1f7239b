"""``twinformer play shots``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Shots:
    """Label texts by the log-probability of each label, with and without examples before.

    Beside each accuracy: calibrated by what has no content, and with the examples' labels shuffled.

    twinformer play shots runs/gpt-ag_news_10k-0 --data ag_news_10k -k 0 1 2
    """

    run: tyro.conf.Positional[Path]
    """The run's folder; an imported one too."""
    data: str = "ag_news"
    """A labelled data set by name: examples are of its training split, texts of its test split."""
    k: Annotated[list[int], tyro.conf.arg(aliases=["-k"])] = field(default_factory=lambda: [0, 1, 2])
    """Examples before each text, drawn anew for each."""
    texts: int = 200
    """How many texts to label."""
    words: int = 8
    """How much of each text is read, and of each example."""
    seed: int = 0
    """Of the draws."""
    out: Path | None = None
    """Write the figures to this JSON file too."""
    data_dir: Path | None = None
    """Folder that holds the data sets; else $TWINFORMER_DATA; else they are downloaded."""
    framework: Framework = "jax"
    """Which framework computes."""

    def carry_out(self, console: Console) -> int:
        import data
        from study.play import shots
        from study.play.few_shot import check_numbers
        from study.play.language import open_language
        from train.paths import check_data_dir, check_file

        check_file("out", self.out, (".json",))
        check_data_dir(self.data_dir)
        check_numbers(self.k, self.seed, texts=self.texts, words=self.words)
        language = open_language(self.run)
        found = data.load(self.data, self.data_dir)
        asked = shots.draw(found, self.texts, max(self.k), self.words, self.seed)
        shots.check_length(language, asked, max(self.k))

        from study.play.tables import print_shots
        from study.record import write_record
        from train.runs.load import load

        run, rows = load(self.run, self.framework), []
        for k in self.k:
            for shuffled in (False, True) if k else (False,):
                rows += shots.score(run, language, asked, k, shuffled, console)
        print_shots(rows, len(asked.classes), shots.prompts(asked, max(self.k), False)[0], console)
        figures = [vars(row) | {"accuracy": row.share, "interval": row.interval} for row in rows]
        write_record(self.out, classes=asked.classes, ways=figures)
        return 0
