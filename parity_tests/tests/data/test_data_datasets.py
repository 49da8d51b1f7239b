"""The registry, and what every labelled data set must be."""

import numpy as np
import pytest

from data.errors import DataError
from data.sets import datasets
from data.sets.corpus import Corpus
from data.sets.labelled import LabelledText, Split


def split(*labels, text="some words"):
    return Split((text,) * len(labels), np.array(labels, np.int32))


@pytest.fixture
def asked(monkeypatch):
    """A data set that records the folder it was asked to read."""
    folders = []

    def loader(folder):
        folders.append(folder)
        return LabelledText("recorded", ("only",), split(0), split(0), split(0))

    monkeypatch.setitem(datasets.DATASETS, "recorded", loader)
    return folders


def test_the_folder_is_the_argument_then_the_environment_then_none(asked, monkeypatch, tmp_path):
    monkeypatch.setenv("TWINFORMER_DATA", str(tmp_path / "environment"))
    datasets.load("recorded", tmp_path / "argument")
    datasets.load("recorded")
    monkeypatch.delenv("TWINFORMER_DATA")
    datasets.load("recorded")
    assert asked == [tmp_path / "argument", tmp_path / "environment", None]


def test_embedded_loads_by_name():
    loaded = datasets.load("embedded")
    assert (loaded.name, len(loaded.classes)) == ("embedded", 7)


def test_data_sets_and_corpora_are_told_apart():
    assert isinstance(datasets.load("embedded"), LabelledText)
    assert isinstance(datasets.load_corpus("embedded"), Corpus)
    with pytest.raises(DataError, match="unknown data set 'shakespeare'; choose"):
        datasets.load("shakespeare")
    with pytest.raises(DataError, match="unknown corpus 'polarity'; choose one of: embedded, shakespeare"):
        datasets.load_corpus("polarity")


def test_an_unknown_name_lists_the_known_and_suggests_the_nearest():
    with pytest.raises(DataError) as error:
        datasets.load("polarty")
    assert "'polarty' (did you mean 'polarity'?)" in str(error.value)
    assert "embedded, polarity" in str(error.value)
    with pytest.raises(DataError, match="'imagenet'; choose"):
        datasets.load("imagenet")


def test_a_valid_data_set_is_accepted():
    loaded = LabelledText("made up", ("no", "yes"), split(0, 1), split(1), split(0))
    assert len(loaded.train) == 2


@pytest.mark.parametrize("label", [2, -1])
def test_a_label_outside_the_classes_names_split_row_and_label(label):
    with pytest.raises(DataError) as error:
        LabelledText("made up", ("no", "yes"), split(0, 1), split(1, 0, label), split(0))
    assert f"made up, validation split: row 2 has label {label}" in str(error.value)
    assert "no, yes" in str(error.value)


def test_an_empty_split_is_refused():
    with pytest.raises(DataError, match="made up, test split: it has no examples"):
        LabelledText("made up", ("no", "yes"), split(0, 1), split(1), split())


def test_a_blank_text_is_refused():
    with pytest.raises(DataError, match=r"row 0 is ' \\t'"):
        split(0, text=" \t")


def test_texts_without_labels_are_refused():
    with pytest.raises(DataError, match="2 texts came with 1 labels"):
        Split(("a", "b"), np.zeros(1, np.int32))
