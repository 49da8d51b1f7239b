"""Corpora: Shakespeare or any text, and Python's language reference."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from data.errors import DataError
from data.sets import manual, shakespeare
from data.sets.corpus import Corpus, without_labels
from data.sets.datasets import load_corpus
from data.sets.embedded import MIN_WORDS
from data.sets.labelled import LabelledText, Split

DATA = os.environ.get("TWINFORMER_DATA")
LINES = "".join(f"line {number:03}\r\n" for number in range(200))


def whole(corpus):
    return "".join((*corpus.train, *corpus.validation, *corpus.test))


@pytest.mark.skipif(
    not DATA or not (Path(DATA) / "shakespeare" / "complete.txt").is_file(),
    reason="needs the works: set TWINFORMER_DATA to the folder that holds shakespeare/complete.txt",
)
def test_the_real_works_are_cut_90_5_5():
    corpus = load_corpus("shakespeare")
    total = len(whole(corpus))
    assert total == 5_057_321
    for split, share in (corpus.train, 0.9), (corpus.validation, 0.05), (corpus.test, 0.05):
        assert len(split) == 1 and split[0].endswith("\n")
        assert abs(len(split[0]) / total - share) < 1e-4
    assert corpus.train[0].startswith("ALL'S WELL")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shakespeare").mkdir()
    (tmp_path / "shakespeare" / "mine.txt").write_bytes(LINES.encode("utf-8-sig"))
    return tmp_path


def test_any_one_text_is_cut_at_line_ends_and_nothing_is_lost(folder):
    corpus = shakespeare.load(folder)
    assert whole(corpus) == LINES.replace("\r\n", "\n")
    assert [text.count("\n") for (text,) in (corpus.train, corpus.validation, corpus.test)] == [181, 10, 9]


def test_complete_txt_is_preferred_and_several_others_are_ambiguous(folder):
    (folder / "shakespeare" / "other.txt").write_text("two")
    with pytest.raises(DataError, match=r"holds 2 texts \(mine\.txt, other\.txt\); name .* complete\.txt"):
        shakespeare.load(folder)
    (folder / "shakespeare" / "complete.txt").write_text(LINES.replace("line", "verse"))
    assert shakespeare.load(folder).train[0].startswith("verse 000")


def test_what_gutenberg_puts_around_a_text_is_left_out(folder):
    edition = (
        "The Project Gutenberg eBook\n\n*** START OF THE PROJECT GUTENBERG EBOOK 100 ***\n\n"
        + LINES.replace("\r\n", "\n")
        + "\n*** END OF THE PROJECT GUTENBERG EBOOK 100 ***\nlicence\n"
    )
    (folder / "shakespeare" / "mine.txt").write_text(edition)
    assert whole(shakespeare.load(folder)) == LINES.replace("\r\n", "\n")


def test_texts_that_cannot_be_used_are_refused(folder):
    path = folder / "shakespeare" / "mine.txt"
    path.write_text("one line\nand a second")
    with pytest.raises(DataError, match=r"mine\.txt: too few lines"):
        shakespeare.load(folder)
    path.write_bytes(b"caf\xe9\n" * 100)
    with pytest.raises(DataError, match=r"mine\.txt: byte 3 is not UTF-8; save it as UTF-8"):
        shakespeare.load(folder)
    path.unlink()
    with pytest.raises(DataError, match=r"complete\.txt: No such file.*pg100\.txt"):
        shakespeare.load(folder)
    with pytest.raises(DataError, match=r"not downloaded for you: download .*pg100\.txt.*TWINFORMER_DATA"):
        shakespeare.load()


def test_the_language_reference_has_three_disjoint_splits():
    corpus = load_corpus("embedded")
    assert corpus.name == "embedded"
    splits = [corpus.train, corpus.validation, corpus.test]
    sizes = [sum(map(len, split)) for split in splits]
    assert sum(sizes) > 250_000
    assert sizes[0] > 0.6 * sum(sizes) and min(sizes[1:]) > 0.1 * sum(sizes)
    paragraphs = [
        " ".join(paragraph.split())
        for split in splits
        for document in split
        for paragraph in document.replace("\n \n", "\n\n").split("\n\n")
    ]
    long = [paragraph for paragraph in paragraphs if len(paragraph.split()) >= MIN_WORDS]
    assert len(long) > 1000
    assert len(long) == len(set(long))


def test_a_repeated_paragraph_stays_in_the_longest_topic():
    topics = {
        "a": "Part\n====\n\nThis paragraph is in two topics.\n",
        "b": "Part\n====\n\nThis paragraph is in\ntwo topics.\n\nAnd this one is in one only.\n",
        "c": "Part\n====\n\nHere is one of its own.\n\nAnd this one is in one only.\n",
    }
    assert manual.without_repeats(topics) == {
        "b": topics["b"],
        "c": "Part\n====\n\nHere is one of its own.\n",
    }


def test_a_python_without_its_reference_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(DataError, match=r"without its language reference .*full CPython"):
        manual.load()


def test_a_corpus_without_documents_or_with_a_blank_one_is_refused():
    with pytest.raises(DataError, match="made up, validation split: it has no documents"):
        Corpus("made up", ("a",), (), ("c",))
    with pytest.raises(DataError, match=r"made up, test split: document 1 is ' \\n'"):
        Corpus("made up", ("a",), ("b",), ("c", " \n"))


def test_a_corpus_has_the_splits_of_its_data_set():
    splits = [Split((f"{name} text",), np.zeros(1, np.int32)) for name in ("train", "validation", "test")]
    corpus = without_labels(LabelledText("some", ("one",), *splits))
    assert (corpus.train, corpus.validation, corpus.test) == tuple(split.texts for split in splits)
