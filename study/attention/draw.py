"""From a run and a text, or from a foreign model's weights, to a file."""

from pathlib import Path

from study.attention import picture, translation
from study.attention.heads import Heads, of_ids, read
from study.attention.page import page
from study.attention.statistics import Head, induction, statistics
from train.config import Framework
from train.runs.durable import write
from train.runs.load import Run, load


def draw(
    folder: Path,
    text: str,
    framework: Framework,
    out: Path,
    layer: int | None,
    head: int | None,
    which: str | None = None,
) -> list[Head]:
    """Write the picture or the page, whichever ``out`` ends with; returns what each head does.

    ``which`` is one attention of an encoder-decoder: "encoder", "decoder" or "cross".

    Raises:
        ConfigError: no tokens, more than the model has positions, or symbols that it does not know.
        RunError, CheckpointError: naming the file at fault.
    """
    run = load(folder, framework)
    parts = [part for part in looked(run, text) if which in (None, part.kind)]
    shares = None if parts[0].kind else induction(run)
    each = [row for part in parts for row in statistics(part, shares)]
    save(parts, each, out, layer, head, f"Twinformer, computed in {framework}.")
    return each


def looked(run: Run, text: str) -> list[Heads]:
    """Where a run's model looks in a text; the three attentions of an encoder-decoder."""
    if run.architecture.name == "encoder_decoder":
        return translation.of_source(run, text)
    return [of_ids(run, *read(run, text), text)]


def save(
    parts: list[Heads], each: list[Head], out: Path, layer: int | None, head: int | None, source: str
) -> None:
    """Write the picture or the page; ``source`` says on the page where the weights are from."""

    def page_or_picture(path: Path) -> None:
        if path.suffix.lower() == ".html":
            path.write_text(page(parts, each, source, layer or 0, head or 0), "utf-8")
        else:
            picture.draw(parts, each, path, layer, head)

    write(out, page_or_picture)
