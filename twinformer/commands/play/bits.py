"""``twinformer play bits``."""

from dataclasses import dataclass, field
from pathlib import Path

import tyro
from rich.console import Console

from train.config import Framework


@dataclass(frozen=True)
class Bits:
    """Bits per byte and perplexities of texts, of several runs side by side.

    twinformer play bits runs/gpt-embedded-0 runs/imported --file README.md
    """

    runs: tyro.conf.Positional[list[Path]]
    """The runs' folders; imported ones too."""
    text: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """A text to read; again for each more. Without --text and --file: the test split of --data."""
    file: tyro.conf.UseAppendAction[list[Path]] = field(default_factory=list)
    """A file to read as one text; again for each more."""
    data: str = "embedded"
    """A corpus by name."""
    stride: int | None = None
    """Tokens from one window to the next. Default: a window's length, so that they do not overlap, as in the
    reports of training; with less, more is read before each token."""
    out: Path | None = None
    """Write the figures to this JSON file too."""
    data_dir: Path | None = None
    """Folder that holds the data sets; else $TWINFORMER_DATA; else they are downloaded."""
    framework: Framework = "jax"
    """Which framework computes."""

    def carry_out(self, console: Console) -> int:
        from study.play.language import open_languages
        from study.play.texts import check_stride, read_texts, refuse_unknown
        from train.paths import check_data_dir, check_file

        check_file("out", self.out, (".json",))
        check_data_dir(self.data_dir)
        languages = open_languages(self.runs)
        strides = [check_stride(language, self.stride) for language in languages]
        texts = read_texts(self.text, self.file, self.data, self.data_dir)
        for language in languages:
            refuse_unknown(language, texts)

        from study.play.bits import cuts, measure
        from study.play.tables import print_bits
        from study.record import write_record
        from train.runs.load import load

        found = [
            measure(load(language.folder, self.framework), language, texts, stride, console)
            for language, stride in zip(languages, strides, strict=True)
        ]
        others = cuts(languages[0], found[0], texts)
        print_bits(found, others, console)
        write_record(self.out, runs=[one.to_json() for one in found], cuts=[vars(cut) for cut in others])
        return 0
