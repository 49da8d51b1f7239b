"""Tokenizers and encoded texts that are kept are those that would be made; what differs is made anew."""

import json
import os
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from safetensors.numpy import load, save

import data
from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig
from parity_tests.tests.train.failing_disk import failing
from train import sources
from train.config import Config
from train.tasks import entries, kept
from train.tasks.task import Task, prepare

TEXTS = ["the cat sat on the mat", "a flat hat", "in the house of mice", "naïve ☃ [SEP]", ""]
CODE = dict.fromkeys(kept.SOURCES, "a")
SIZES = {"max_positions": 16, "embed": 8, "heads": 2, "mlp": 8, "layers": 1}
CONFIGS = {
    "classifier": Config(model=ClassifierConfig(vocab=400, **SIZES), data="embedded"),
    "bert": Config(model=BertConfig(vocab=400, **SIZES), data="embedded"),
    "gpt": Config(model=GPTConfig(vocab=400, **SIZES), data="embedded"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """A cache of its own, and sources that are known: here pytest imports some of them first."""
    place = tmp_path / "new" / "texts"
    with (
        mock.patch.object(entries, "folder", lambda: place),
        mock.patch.object(sources, "imported", lambda: CODE),
    ):
        yield place


@contextmanager
def counted() -> Iterator[list[str]]:
    """What is made rather than read, in order."""
    made: list[str] = []

    def remember(name: str, arrays: kept.Arrays) -> None:
        made.append(name)
        real(name, arrays)

    real = entries.remember
    with mock.patch.object(entries, "remember", remember):
        yield made


def uses(texts: list[str] = TEXTS) -> list[object]:
    """The three things that are kept, as they come out."""
    tokenizer = kept.tokenizer(data.train_tokenizer, texts, 60)
    encoded, stream = kept.encoded(tokenizer, texts, 6, True), kept.stream(tokenizer, texts)
    ids = [(row.dtype, row.tolist()) for row in encoded.examples]
    arrays = [(array.dtype, array.tolist()) for array in (stream.tokens, stream.sizes)]
    return [tokenizer.to_str(), ids, encoded.truncated, arrays]


def direct(texts: list[str] = TEXTS) -> list[object]:
    """The same without any cache."""
    tokenizer = data.train_tokenizer(texts, 60)
    encoded, stream = data.encode(tokenizer, texts, 6, True), data.join(tokenizer, texts)
    ids = [(row.dtype, row.tolist()) for row in encoded.examples]
    arrays = [(array.dtype, array.tolist()) for array in (stream.tokens, stream.sizes)]
    return [tokenizer.to_str(), ids, encoded.truncated, arrays]


def of_run(task: Task) -> list[object]:
    """All that a run takes of its texts."""
    batches = [task.batch(0), task.batch(7), *task.evaluated()]
    arrays = [(array.dtype, array.shape, array.tobytes()) for batch in batches for array in batch]
    return [task.describe(), task.tokenizer.to_str(), task.steps_per_epoch, arrays]


@pytest.mark.parametrize("family", CONFIGS)
def test_a_run_has_the_same_batches_with_and_without_what_was_kept(family):
    with mock.patch.object(sources, "imported", lambda: None), counted() as made:
        without = of_run(prepare(CONFIGS[family], None))
    assert not made
    with counted() as made:
        first = of_run(prepare(CONFIGS[family], None))
        assert len(made) == 4  # the tokenizer and three splits
        second = of_run(prepare(CONFIGS[family], None))
        assert len(made) == 4
    assert without == first == second
    smaller = replace(CONFIGS[family], model=replace(CONFIGS[family].model, vocab=300))
    with counted() as made:
        assert of_run(prepare(smaller, None)) != first
        assert len(made) == 4


def test_what_is_kept_is_what_is_made():
    assert uses() == uses() == direct()
    with counted() as made:
        assert uses() == direct()
    assert not made


@pytest.mark.parametrize(
    "texts",
    [
        [*TEXTS[:-1], "b"],
        TEXTS[::-1],
        TEXTS[:-1],
        ["the cat sat on the mata", " flat hat", *TEXTS[2:]],  # the same letters, cut elsewhere
        ["The cat sat on the mat", *TEXTS[1:]],
    ],
)
def test_other_texts_are_none_of_them(texts):
    uses()
    with counted() as made:
        assert uses(texts) == direct(texts)
    assert made


def test_every_setting_decides():
    tokenizer = data.train_tokenizer(TEXTS, 60)
    other, as_text = data.train_tokenizer(TEXTS, 50), data.train_tokenizer(TEXTS, 60)
    as_text.encode_special_tokens = True
    questions = [
        lambda: kept.tokenizer(data.train_tokenizer, TEXTS, 60).to_str(),
        lambda: kept.tokenizer(data.train_tokenizer, TEXTS, 50).to_str(),
        lambda: kept.tokenizer(data.train_bpe, TEXTS, 300).to_str(),
        lambda: kept.encoded(tokenizer, TEXTS, 6, True).truncated,
        lambda: kept.encoded(tokenizer, TEXTS, 5, True).truncated,
        lambda: kept.encoded(tokenizer, TEXTS, 6, False).truncated,
        lambda: kept.encoded(other, TEXTS, 6, True).truncated,
        lambda: kept.encoded(as_text, TEXTS, 6, True).truncated,
        lambda: len(kept.stream(tokenizer, TEXTS).tokens),
        lambda: len(kept.stream(other, TEXTS).tokens),
    ]
    with counted() as made:
        first = [ask() for ask in questions]
        assert len(set(made)) == len(made) == len(questions)
        assert [ask() for ask in questions] == first
        assert len(made) == len(questions)


@pytest.mark.parametrize("source", kept.SOURCES)
def test_other_code_makes_it_anew(source):
    uses()
    with counted() as made, mock.patch.object(sources, "imported", lambda: CODE | {source: "b"}):
        uses()
    assert len(made) == 3


def test_another_version_of_the_library_makes_it_anew():
    uses()
    with counted() as made, mock.patch.object(kept, "version", lambda name: f"another {name}"):
        uses()
    assert len(made) == 3


def test_what_cannot_be_made_raises_what_it_raised_and_is_not_kept(folder):
    with pytest.raises(data.DataError, match="vocab=5 is too small"):
        kept.tokenizer(data.train_tokenizer, TEXTS, 5)
    assert not folder.exists()


DAMAGES = {
    "emptied": lambda whole, other: b"",
    "cut off": lambda whole, other: whole[:-1],
    "one byte changed": lambda whole, other: whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
    "its digest changed": lambda whole, other: bytes([whole[0] ^ 1]) + whole[1:],
    "another entry under its name": lambda whole, other: other,
    "text": lambda whole, other: b"not an entry at all, but longer than a digest",
    "pickled": lambda whole, other: pickle.dumps(TEXTS),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_made_again(folder, damage):
    whole = uses()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    contents = list(before.values())
    for path, other in zip(before, contents[1:] + contents[:1], strict=True):
        path.write_bytes(DAMAGES[damage](before[path], other))
    with counted() as made:
        assert uses() == whole
    assert len(made) == 3
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def sealed_again(path: Path, change) -> None:
    """An entry whose arrays are changed, under a digest that fits."""
    content = save(change(load(path.read_bytes()[entries.DIGEST :])))
    path.write_bytes(entries._digest(path.name, content) + content)


EXPLODING = json.dumps(
    {"model": {"type": "BPE"}, "pre_tokenizer": {"pattern": {"Regex": "(a+)+b"}, "type": "Split"}}
)
LIES = {
    "no array": lambda arrays: {},
    "other names": lambda arrays: {f"{name}s": array for name, array in arrays.items()},
    "floats": lambda arrays: {name: array.astype(np.float32) for name, array in arrays.items()},
    "an axis more": lambda arrays: {name: np.stack([array, array]) for name, array in arrays.items()},
    "large": lambda arrays: {name: (array + 99).astype(array.dtype) for name, array in arrays.items()},
    "negative": lambda arrays: {name: -1 - array.astype(np.int32) for name, array in arrays.items()},
    "one less": lambda arrays: {name: array[: len(array) // 2] for name, array in arrays.items()},
    "a pattern that explodes": lambda arrays: {"json": np.frombuffer(EXPLODING.encode(), np.uint8)},
    "nested": lambda arrays: {"json": np.frombuffer(b"[" * 100_000, np.uint8)},
}


@pytest.mark.parametrize("lie", LIES)
def test_an_entry_that_lies_is_made_again(folder, lie):
    whole = uses()
    for path in folder.iterdir():
        sealed_again(path, LIES[lie])
    with counted() as made:
        assert uses() == whole
    assert len(made) == 3


def test_something_else_in_the_place_of_an_entry_is_no_harm(folder):
    whole = uses()
    for path in list(folder.iterdir()):
        path.unlink()
        path.mkdir()
    assert uses() == whole


def test_a_file_in_the_place_of_the_folder_is_no_harm(folder):
    folder.parent.mkdir()
    folder.touch()
    assert uses() == uses() == direct()


@pytest.mark.parametrize("at", range(1, 6))
def test_a_full_disk_leaves_no_half_of_an_entry(folder, at):
    with failing(folder, at, lasts=True):
        assert uses() == direct()
    assert uses() == direct()
    # Such a disk does not even let what was begun be removed.
    assert len([path for path in folder.iterdir() if not path.name.startswith("tmp")]) == 3


def test_several_at_once_make_the_same(folder):
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(uses())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [direct()] * 4
    assert len(list(folder.iterdir())) == 3


def test_what_was_used_longest_ago_goes_first(folder):
    uses()
    sizes = {path: path.stat().st_size for path in folder.iterdir()}
    for age, path in enumerate(sizes):
        os.utime(path, (1e9 - age, 1e9 - age))
    newest, *_, oldest = sizes
    entries.recall(oldest.name)  # which makes it the newest
    with mock.patch.object(entries, "LIMIT", sizes[oldest] + sizes[newest]):
        entries.drop_oldest()
    assert set(folder.iterdir()) == {oldest, newest}
