"""AG's news: the official files, the sample of them, and files that are neither."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from data.errors import DataError
from data.sets import ag_news
from data.sets.datasets import load, load_corpus

DATA = os.environ.get("TWINFORMER_DATA")


@pytest.mark.skipif(
    not DATA or not (Path(DATA) / "ag_news" / "train_sample_10000.csv").is_file(),
    reason="needs the sample: set TWINFORMER_DATA to the folder that holds ag_news/train_sample_10000.csv",
)
def test_the_real_sample():
    loaded = load("ag_news_10k")
    assert loaded.name == "ag_news_10k" and loaded.classes == ("world", "sports", "business", "sci/tech")
    assert [len(s) for s in (loaded.train, loaded.validation, loaded.test)] == [9500, 500, 7600]
    assert np.bincount(loaded.test.labels).tolist() == [1900] * 4
    assert loaded.train.texts[0].startswith("Update 1: Vivendi, Messier Are Fined $1.35 Million Vivendi")
    texts = {*loaded.train.texts, *loaded.validation.texts, *loaded.test.texts}
    assert len(texts) == 17_600 and not any("\\" in text for text in texts)
    assert any("A second team of rocketeers" in text for text in loaded.test.texts)


def row(label, number):
    return f'"{label}","Title {number}","Said ""yes"" and\\no for \\$5\\\\ #39;s\\end"\n'


def content(rows):
    return "".join(row(number % 4 + 1, number) for number in range(rows))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The official files, only shorter."""
    for name, rows in ("TRAIN", 400), ("TEST", 8), ("SAMPLE", 40):
        monkeypatch.setattr(ag_news, name, getattr(ag_news, name)._replace(rows=rows))
    (tmp_path / "ag_news").mkdir()
    for file in (ag_news.TRAIN, ag_news.TEST, ag_news.SAMPLE):
        (tmp_path / "ag_news" / file.name).write_text(content(file.rows), "utf-8", newline="\n")
    return tmp_path


def numbers(split):
    return [int(text.split()[1]) for text in split.texts]


def test_text_is_title_and_description_unescaped(folder):
    assert ag_news.load(folder).test.texts[2] == 'Title 2 Said "yes" and no for $5  #39;s end'


def test_validation_is_a_twentieth_drawn_once_and_for_all(folder):
    loaded = ag_news.load(folder)
    assert loaded.name == "ag_news"
    assert len(loaded.validation) == 20 and numbers(loaded.validation)[:8] == [
        32,
        46,
        50,
        84,
        154,
        170,
        209,
        221,
    ]
    assert sorted(numbers(loaded.train) + numbers(loaded.validation)) == list(range(400))
    for split in (loaded.train, loaded.validation, loaded.test):
        assert split.labels.tolist() == [number % 4 for number in numbers(split)]


def test_the_sample_is_named_so_whichever_way_it_was_asked_for(folder):
    assert load("ag_news", folder).name == "ag_news"
    assert load("ag_news_10k", folder).name == "ag_news_10k"
    assert len(load("ag_news_10k", folder).train) == 38
    (folder / "ag_news" / "train.csv").unlink()
    assert load("ag_news", folder).name == "ag_news_10k"
    assert load_corpus("ag_news", folder).name == "ag_news_10k"


def test_the_corpus_has_the_same_splits(folder):
    loaded, corpus = load("ag_news", folder), load_corpus("ag_news", folder)
    for split in ("train", "validation", "test"):
        assert getattr(corpus, split) == getattr(loaded, split).texts


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "0 rows instead of 8"),
        (content(7), "7 rows instead of 8"),
        (content(9), "9 rows instead of 8"),
        (content(7) + row(5, 7), "line 8: expected a class 1 to 4"),
        (content(7) + '"1","Title only"\n', "line 8: expected a class 1 to 4"),
        (content(7) + '"1","Cut in', "line 8: unexpected end"),
        (content(7) + '"1","caf\udce9","e"\n', "is not UTF-8"),
    ],
)
def test_a_wrong_file_is_refused(folder, text, words):
    path = folder / "ag_news" / "test.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError) as error:
        load("ag_news", folder)
    for word in (words, str(path), "charcnn_keras", "--data-dir"):
        assert word.lower() in str(error.value).lower()


def test_a_missing_file_is_refused_with_its_path_and_the_remedy(folder, monkeypatch):
    (folder / "ag_news" / "train_sample_10000.csv").unlink()
    with pytest.raises(
        DataError, match=r"train_sample_10000\.csv: No such file.*put 10,000 rows of train\.csv"
    ):
        load("ag_news_10k", folder)
    (folder / "ag_news" / "train.csv").unlink()
    with pytest.raises(DataError, match=r"train\.csv: No such file.*put https://.*train\.csv there"):
        load("ag_news", folder)
    monkeypatch.delenv("TWINFORMER_DATA", raising=False)
    with pytest.raises(DataError, match=r"ag_news_10k needs .* cannot be downloaded.*TWINFORMER_DATA"):
        load("ag_news_10k")


def test_without_a_folder_both_files_are_fetched_by_checksum(folder, monkeypatch):
    asked = []

    def fetch(url, sha256):
        asked.append((url, sha256))
        return folder / "ag_news" / url.rpartition("/")[2]

    monkeypatch.setattr(ag_news, "fetch", fetch)
    assert len(ag_news.load().train) == 380
    assert [url.rpartition("/")[2] for url, _ in asked] == ["train.csv", "test.csv"]
    assert all(len(sha256) == len(hashlib.sha256().hexdigest()) for _, sha256 in asked)


def test_news_have_the_topic_of_their_number(folder):
    """1 to 4 in the files, in the order of the data set's classes.txt; `content` gives them in turn."""
    topics = {1: "world", 2: "sports", 3: "business", 4: "sci/tech"}
    loaded = ag_news.load(folder)
    for split in (loaded.train, loaded.validation, loaded.test):
        expected = [topics[number % 4 + 1] for number in numbers(split)]
        assert [loaded.classes[label] for label in split.labels] == expected
