"""A corpus read as it comes has the splits, the findings and the tokens of one that is held in memory."""

import csv
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from data import DataError
from data.batches import pieces as cutting
from data.batches import stream_files
from data.batches.windows import join
from data.readers import folders, long_text
from data.readers.long_text import LongText, TextFile, is_blank, parts_of
from data.sets import large, splitting
from data.sets.large import LargeCorpus
from data.sets.own import Reading, load_documents
from data.sets.rows import NAMES, Row
from data.sets.survey import survey
from data.tokenizers.bpe import train_bpe
from data.tokenizers.word_piece import train_tokenizer

WORDS = ["sea", "calm", "wild", "wind", "naïve", "☃", "storm", "rest", "it's", "12", "[SEP]", "x\ufffd"]


def text(seed: int, words: int = 6) -> str:
    drawn = random.Random(seed)
    return " ".join(drawn.choice(WORDS) for _ in range(words))


def table(path: Path, rows: list[tuple[str, ...]], *header: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def plain(path: Path) -> Path:
    return table(path / "mine.csv", [(text(n),) for n in range(150)], "text")


def repeated(path: Path) -> Path:
    rows = [(text(n % 90).upper() if n % 7 else "",) for n in range(200)]
    return table(path / "mine.csv", [*rows, *((text(n),) for n in range(150))], "text")


def named(path: Path) -> Path:
    """A column says the splits, and some texts are in two or three of them, and repeated."""
    rows = [(text(n % 60), NAMES[n % 3] if n % 11 else "test") for n in range(300)]
    return table(path / "mine.csv", rows, "text", "split")


def validated(path: Path) -> Path:
    rows = [(text(n), "validation" if n % 9 == 0 else "train") for n in range(300)]
    return table(path / "mine.csv", rows, "text", "split")


def lines(path: Path) -> Path:
    (path / "mine.txt").write_text("\n".join(text(n) for n in range(80)), "utf-8")
    return path / "mine.txt"


def files(path: Path) -> Path:
    for n in range(30):
        (path / f"{n}.txt").write_text(text(n, 40), "utf-8")
    return path


def one_document(path: Path) -> Path:
    (path / "mine.txt").write_text("\n\n".join(text(n, 30) for n in range(80)), "utf-8")
    return path / "mine.txt"


def few_named(path: Path) -> Path:
    for name in ("train", "test"):
        (path / f"{name}.txt").write_text("\n\n".join(text(n, 30) for n in range(80)) + name, "utf-8")
    return path


def blank_ends(path: Path) -> Path:
    """Of one of which nothing is tested, as its end has no words; and other ends of lines."""
    (path / "a.txt").write_text("\n".join(text(n, 30) for n in range(80)) + "\n" * 900, "utf-8")
    (path / "b.txt").write_bytes("\r\n".join(text(n, 30) for n in range(80, 160)).encode())
    return path


PLACES = [plain, repeated, named, validated, lines, files, one_document, few_named]
FILES = [files, one_document, few_named, blank_ends]


@contextmanager
def never_held(part: int) -> Iterator[None]:
    """A text of a file is read in parts of so many characters, however short it is."""
    with mock.patch.object(folders, "LONG", 0), mock.patch.object(long_text, "PART", part):
        yield


def corpus_at(path: Path) -> LargeCorpus:
    return LargeCorpus(path, Reading(), lambda what, read, total: None)


def by_split(corpus: LargeCorpus) -> dict[str, tuple[str, ...]]:
    found = dict.fromkeys(NAMES, ())
    for split, document in corpus.documents():
        found[split] += (str(document),)
    return found


@pytest.mark.parametrize("place", PLACES)
def test_the_splits_are_those_of_a_corpus_in_memory(place, tmp_path):
    path = place(tmp_path)
    corpus, found = load_documents(path, Reading())
    read = corpus_at(path)
    assert by_split(read) == {name: getattr(corpus, name) for name in NAMES}
    assert read.found == found
    assert "".join(read.sample()) == "".join(corpus.train)
    assert read.bytes == sum(len(one.encode()) for name in NAMES for one in getattr(corpus, name))


@pytest.mark.parametrize("part", [1, 3, 100, 10**6])
@pytest.mark.parametrize("place", FILES)
def test_a_file_that_is_one_document_is_never_held(place, part, tmp_path):
    path = place(tmp_path)
    corpus, found = load_documents(path, Reading(documents="files"))
    held = mock.Mock(side_effect=AssertionError("held"))
    with never_held(part), mock.patch.object(LongText, "__str__", held):
        read = LargeCorpus(path, Reading(documents="files"), lambda what, read, total: None)
        documents = [(split, list(parts_of(document))) for split, document in read.documents()]
        sample = "".join(read.sample())
        assert read.bytes == sum(len(one.encode()) for name in NAMES for one in getattr(corpus, name))
    assert max(len(one) for _, parts in documents for one in parts) <= part
    for name in NAMES:
        expected = getattr(corpus, name)
        assert tuple("".join(parts) for split, parts in documents if split == name) == expected
    assert read.found == found and sample == "".join(corpus.train)
    with never_held(part):
        assert load_documents(path, Reading(documents="files")) == (corpus, found)


def test_memory_does_not_grow_with_a_document(tmp_path):
    peaks = []
    for size in (1, 4):
        path = tmp_path / f"{size}.txt"
        path.write_text("\n\n".join(text(n, 30) for n in range(2500 * size)), "utf-8")
        with never_held(2**12), mock.patch.object(cutting, "PIECE", 2**12):
            tracemalloc.start()
            try:
                for split, document in corpus_at(path).documents():
                    for _ in cutting.pieces(split, document):
                        pass
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 2**20 < path.stat().st_size


BROKEN = {
    "a NUL": (b"one\ntwo \0", "utf-8", "line 2: it holds a NUL"),
    "another encoding": ("é\n".encode("latin-1"), "utf-8", "line 1: byte 0xe9 is not UTF-8"),
    "half of a character": (b"one\n\\ud800", "unicode_escape", "line 2: half of a character; mend the line"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_long_document_that_is_no_text_is_refused(case, tmp_path):
    content, encoding, said = BROKEN[case]
    (tmp_path / "mine.txt").write_bytes(content)
    with never_held(10), pytest.raises(DataError, match=rf"mine\.txt, {said}"):
        load_documents(tmp_path / "mine.txt", Reading(encoding=encoding, documents="files"))


@pytest.mark.parametrize("change", ["", "another", "as long, but b\xe9d"])
def test_a_long_document_that_changes_while_it_is_read_is_refused(change, tmp_path):
    path = one_document(tmp_path)
    with never_held(10):
        corpus = corpus_at(path)
        assert corpus.sample()
        path.write_bytes(change.encode("latin-1"))
        with pytest.raises(DataError, match=r"mine.txt changed while it was read; start again\.$"):
            for _, document in corpus.documents():
                str(document)


@pytest.mark.parametrize("part", [1, 2, 3, 10**6])
def test_a_long_text_is_used_like_a_string(part, tmp_path):
    path, content = tmp_path / "mine.txt", "a\r\nb\r\rc ☃\n\r\n é\r"
    path.write_bytes(content.encode())
    text, expected = LongText(TextFile(path, "utf-8")), content.replace("\r\n", "\n")
    with never_held(part):
        assert (len(text), str(text), "☃" in text, "x" in text) == (len(expected), expected, True, False)
        for begin in range(len(expected) + 2):
            for end in range(len(expected) + 2):
                assert str(text[begin:end]) == expected[begin:end]
                assert str(text[2:][begin:end][1:]) == expected[2:][begin:end][1:]
                if begin <= end <= len(expected):
                    assert text.rfind("\n", begin, end) == expected.rfind("\n", begin, end)
        assert is_blank(text[3:5]) and not is_blank(text)


def test_a_large_held_out_split_is_scored_on_the_texts_of_the_first_hashes(tmp_path):
    path = plain(tmp_path)
    whole = by_split(corpus_at(path))
    with mock.patch.object(large, "SCORED", 200):
        read = corpus_at(path)
        found = by_split(read)
    assert found["train"] == whole["train"]  # what is not scored is not trained on either
    for split in ("validation", "test"):
        assert set(found[split]) < set(whole[split])
        assert 100 < sum(len(one.encode()) for one in found[split]) <= 200
    (note,) = [one for one in read.found.findings if one.done == "not scored"]
    assert note.rows == 150 - sum(map(len, found.values()))


def test_of_few_large_files_no_more_is_scored(tmp_path):
    path = one_document(tmp_path)
    with mock.patch.object(large, "SCORED", 100):
        found = by_split(corpus_at(path))
    whole = by_split(corpus_at(path))
    assert found["train"] == whole["train"] and found["test"] == (whole["test"][0][:100],)


@pytest.mark.parametrize("place", PLACES)
def test_a_tokenizer_is_trained_on_no_more_than_a_sample_of_training(place, tmp_path):
    path = place(tmp_path)
    train = by_split(corpus_at(path))["train"]
    with mock.patch.object(large, "SAMPLE", 200):
        sample = corpus_at(path).sample()
        assert corpus_at(path).sample() == sample
    assert 50 < sum(len(one) for one in sample) <= 200
    assert all(any(one in document for document in train) for one in sample)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = plain(tmp_path)
    for change in (path.read_text("utf-8") + "one more\n", "text\none\n"):
        corpus = corpus_at(path)
        assert corpus.sample()
        path.write_text(change, "utf-8")
        with pytest.raises(DataError, match=r"mine.csv changed while it was read; start again\.$"):
            list(corpus.documents())


def test_a_corpus_without_a_text_is_refused(tmp_path):
    path = table(tmp_path / "mine.csv", [(" ", "a"), (" ", "b")], "text", "label")
    with pytest.raises(DataError, match="0 usable rows, too few for a train split"):
        list(corpus_at(path).documents())


def test_a_survey_holds_little_of_a_row(tmp_path):
    tracemalloc.start()
    try:
        survey((Row(f"{n} {'long ' * 50}", "", "train", "") for n in range(20_000)), 10**9)
        assert tracemalloc.get_traced_memory()[1] < 20_000 * 90
    finally:
        tracemalloc.stop()


TRAINERS = {"bpe": (train_bpe, 300), "word_piece": (train_tokenizer, 60)}
ODD = [
    "",
    " ",
    "a",
    "  leads and trails  ",
    "one\ntwo \n\n three\n",
    "☃" * 50,
    "tab\tand\r\nend",
    "é ☃ " * 40,
    "第一行\n\n第二行\n \n\n" * 30,
    "one.\n\n\n\ttwo!\n\n  three\n" * 30,
]


@pytest.mark.parametrize("batch", [1, 200, 10**6])
@pytest.mark.parametrize("piece", [1, 7, 40, 10**6])
@pytest.mark.parametrize("kind", TRAINERS)
def test_the_streams_on_disk_are_those_in_memory(kind, piece, batch, tmp_path):
    documents = [text(n, 30) for n in range(12)] + ODD + ["\n".join(text(n, 5) for n in range(20))]
    train, vocab = TRAINERS[kind]
    tokenizer = train(documents[:8], vocab)
    splits = [(NAMES[n % 3], document) for n, document in enumerate(documents)]
    told = []
    with mock.patch.object(cutting, "PIECE", piece), mock.patch.object(stream_files, "BATCH", batch):
        stream_files.write(tmp_path, tokenizer, NAMES, splits, lambda size, tokens: told.append(size))
    for name in NAMES:
        expected = join(tokenizer, [document for split, document in splits if split == name])
        found = stream_files.read(tmp_path, name)
        assert found.tokens.dtype == found.sizes.dtype == np.int32
        np.testing.assert_array_equal(found.tokens, expected.tokens)
        np.testing.assert_array_equal(found.sizes, expected.sizes)
    assert sum(told) == sum(len(document.encode()) for document in documents)


def test_a_long_document_is_cut_and_one_without_a_place_is_not():
    blank_lines = "\n\n".join("ab" for _ in range(5000))
    for document in (text(1, 5000), "\n".join("ab" for _ in range(5000)), blank_lines, "x" * 5000):
        with mock.patch.object(cutting, "PIECE", 100):
            found = list(cutting.pieces("train", document))
            for part in (1, 70, 300):
                with never_held(part):
                    assert list(cutting.pieces("train", document)) == found
        assert "".join(piece.text for piece in found) == document
        assert [piece.last for piece in found] == [False] * (len(found) - 1) + [True]
        assert (max(len(piece.text) for piece in found) < 120) == (document[0] != "x")


def test_documents_are_read_as_they_are_written(tmp_path):
    read, written = 0, 0

    def documents() -> Iterator[tuple[str, str]]:
        nonlocal read
        for n in range(200):
            read += len(text(n).encode())
            assert read - written < 1000
            yield "train", text(n)

    def watch(size: int, tokens: int) -> None:
        nonlocal written
        written += size

    tokenizer = train_bpe([text(n) for n in range(20)], 300)
    with mock.patch.object(stream_files, "BATCH", 400):
        stream_files.write(tmp_path, tokenizer, ["train"], documents(), watch)
    assert read == written > 5000


@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 10**6])
def test_a_long_text_has_the_key_of_its_words(at_once):
    for document in (
        " a  b ",
        "Straße \n\t  ist",
        "   ",
        "",
        "x" * 9,
        " \u2003y\x1cz",
        "one two  three   four",
    ):
        words = " ".join(document.split()).casefold().encode()
        with never_held(at_once):
            assert splitting.key_of(document) == sha256(splitting.SEED + words).digest()
