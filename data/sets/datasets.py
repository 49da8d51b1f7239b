"""The data sets and corpora by name.

A data set has labels, a corpus does not. `ag_news` is the same text as either; `embedded` is what Python
brings for each: paragraphs labelled by package, or the language reference.
"""

import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from data.errors import DataError
from data.sets import ag_news, embedded, manual, polarity, shakespeare
from data.sets.corpus import Corpus, without_labels
from data.sets.labelled import LabelledText

# Each loader takes the folder that holds the data sets, or None to download.
DATASETS: dict[str, Callable[[Path | None], LabelledText]] = {
    "embedded": lambda data_dir: embedded.load(),
    "polarity": polarity.load,
    "ag_news": ag_news.load,
    "ag_news_10k": ag_news.load_sample,
}
CORPORA: dict[str, Callable[[Path | None], Corpus]] = {
    "embedded": lambda data_dir: manual.load(),
    "shakespeare": shakespeare.load,
    "ag_news": lambda data_dir: without_labels(ag_news.load(data_dir)),
    "ag_news_10k": lambda data_dir: without_labels(ag_news.load_sample(data_dir)),
}
Loaded = TypeVar("Loaded")


def load(name: str, data_dir: Path | None = None) -> LabelledText:
    """Return the labelled data set `name`, one of `DATASETS`.

    Args:
        name: the data set.
        data_dir: the folder that holds the data sets. Without it the environment variable
            TWINFORMER_DATA is used, and without that the data set is downloaded.

    Raises:
        DataError: there is no such data set, or it could not be read.
    """
    return _find(DATASETS, "data set", name)(_folder(data_dir))


def load_corpus(name: str, data_dir: Path | None = None) -> Corpus:
    """Return the corpus `name`, one of `CORPORA`; the rest is as in `load`.

    Raises:
        DataError: there is no such corpus, or it could not be read.
    """
    return _find(CORPORA, "corpus", name)(_folder(data_dir))


def _find(
    registry: Mapping[str, Callable[[Path | None], Loaded]], kind: str, name: str
) -> Callable[[Path | None], Loaded]:
    if name not in registry:
        close = difflib.get_close_matches(name, registry, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise DataError(f"unknown {kind} {name!r}{hint}; choose one of: {', '.join(registry)}.")
    return registry[name]


def _folder(data_dir: Path | None) -> Path | None:
    if data_dir is None and os.environ.get("TWINFORMER_DATA"):
        return Path(os.environ["TWINFORMER_DATA"])
    return data_dir
