"""A large corpus of one's own as a language task takes it: tokens on disk, mapped into memory."""

import atexit
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from tokenizers import Tokenizer

import data.readers
from data.batches import stream_files
from data.batches.windows import Stream
from data.errors import DataError
from data.sets import large
from data.sets.found import Found
from data.sets.large import LargeCorpus
from data.sets.own import Reading, bytes_of
from data.sets.rows import NAMES
from train.tasks import kept, token_cache

READERS = tuple(f"data.readers.{module.name}" for module in iter_modules(data.readers.__path__))
SETS = ("large", "own", "rows", "splitting", "survey")
SOURCES: tuple[str, ...] = (*kept.SOURCES, "data.batches.pieces", "data.batches.stream_files", __name__)
SOURCES += (*READERS, *(f"data.sets.{name}" for name in SETS))
BYTES = 2 * 4  # that a token takes on disk: itself, and the bytes of text that it stands for


class Tokenized(NamedTuple):
    """A corpus in tokens."""

    name: str
    tokenizer: Tokenizer
    streams: dict[str, Stream]
    """By split, mapped into memory."""
    found: Found


def is_large(path: Path, reading: Reading) -> bool:
    """Whether the files hold more than is held in memory. Raises DataError."""
    return bytes_of(path, reading) >= large.LARGE


def tokenized(
    path: Path,
    reading: Reading,
    tokenizer: Tokenizer | None,
    train_tokenizer: Callable[[Sequence[str], int], Tokenizer],
    vocab: int,
) -> Tokenized:
    """The corpus at a path, from the cache if it was made before; a tokenizer is trained unless there is one.

    Raises:
        DataError: as `LargeCorpus` does, or the cache has no room.
    """
    with progress_bar() as progress:
        bar = progress.add_task("reading", total=None, tokens="")
        corpus = LargeCorpus(
            path,
            reading,
            lambda what, read, total: progress.update(bar, description=what, completed=read, total=total),
        )
        decide: list[Any] = [corpus.found.sha256, corpus.found.read, asdict(reading), path.name]
        decide += [large.SAMPLE, large.SCORED]
        if tokenizer is None:
            tokenizer = kept.sampled_tokenizer(train_tokenizer, corpus.sample, vocab, decide, SOURCES)
        name = kept.name([*kept.described(tokenizer), decide], (), SOURCES) or of_this_process()
        about = token_cache.recall(name)
        if about is None:
            trained, tell = tokenizer, partial(tokenizing, progress, bar)
            token_cache.make(name, lambda folder: fill(folder, corpus, trained, tell))
            about = token_cache.recall(name)
    if about is None:
        raise DataError(f"{path}: its tokens were removed while they were made; start again.")
    found = replace(Found.from_json(about["found"]), path=str(path))
    streams = {split: stream_files.read(token_cache.folder() / name, split) for split in NAMES}
    return Tokenized(path.name, tokenizer, streams, found)


def fill(
    folder: Path, corpus: LargeCorpus, tokenizer: Tokenizer, tell: Callable[[int, int, int], None]
) -> dict[str, Any]:
    """Write the streams; returns what was found. Raises DataError, OSError."""
    read = tokens = 0

    def watch(size: int, made: int) -> None:
        nonlocal read, tokens
        read, tokens = read + size, tokens + made
        token_cache.refuse_full(BYTES * tokens, BYTES * tokens * corpus.bytes // read)
        tell(read, corpus.bytes, tokens)

    stream_files.write(folder, tokenizer, NAMES, corpus.documents(), watch)
    return {"found": corpus.found.to_json()}


def tokenizing(progress: Progress, bar: TaskID, read: int, total: int, tokens: int) -> None:
    made = f"{tokens:,} tokens"
    progress.update(bar, description="tokenizing", completed=read, total=total, tokens=made)


def of_this_process() -> str:
    """A name for what nobody finds again, as it is not known of which sources it is; it ends with us."""
    name = uuid4().hex
    atexit.register(shutil.rmtree, token_cache.folder() / name, ignore_errors=True)
    return name


def progress_bar() -> Progress:
    """What is done, bytes read of bytes, the tokens so far, the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(20), DownloadColumn(), TimeRemainingColumn())
    shown = Console(stderr=True)
    return Progress(*columns, TextColumn("{task.fields[tokens]}"), console=shown, transient=True)
