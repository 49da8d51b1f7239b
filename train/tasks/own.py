"""The texts of a configuration: a data set's by its name, or one's own by their path."""

from pathlib import Path

import data
from data.sets.corpus import Corpus
from data.sets.found import Found
from data.sets.labelled import LabelledText
from data.sets.own import load_documents, load_labelled, place_of
from train.config import Config
from train.runs.own_data import reading


def read_labelled(config: Config, data_dir: Path | None) -> tuple[LabelledText, Found | None]:
    """Labelled texts, and what was seen of them if they are one's own. Raises `data.DataError`."""
    if not config.own:
        return data.load(config.data, data_dir), None
    return load_labelled(place_of(config.data, data_dir), reading(config))


def read_documents(config: Config, data_dir: Path | None) -> tuple[Corpus, Found | None]:
    """Documents, and what was seen of them if they are one's own. Raises `data.DataError`."""
    if not config.own:
        return data.load_corpus(config.data, data_dir), None
    return load_documents(place_of(config.data, data_dir), reading(config))
