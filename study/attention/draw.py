"""From a run and a text to a file."""

from pathlib import Path

from study.attention import picture
from study.attention.heads import of_ids, read
from study.attention.page import page
from study.attention.statistics import Head, induction, statistics
from train.config import Framework
from train.runs.durable import write
from train.runs.load import load


def draw(
    folder: Path, text: str, framework: Framework, out: Path, layer: int | None, head: int | None
) -> list[Head]:
    """Write the picture or the page, whichever ``out`` ends with; returns what each head does.

    Raises:
        ConfigError: no tokens, or more than the model has positions; an encoder-decoder.
        RunError, CheckpointError: naming the file at fault.
    """
    run = load(folder, framework)
    ids, tokens = read(run, text)
    found = of_ids(run, ids, tokens, text)
    each = statistics(found, induction(run))

    def page_or_picture(path: Path) -> None:
        if path.suffix.lower() == ".html":
            path.write_text(page(found, each, framework, layer or 0, head or 0), "utf-8")
        else:
            picture.draw(found, each, path, layer, head)

    write(out, page_or_picture)
    return each
