"""Cornell sentence polarity: the standard split, and files that are not it."""

import os
from pathlib import Path

import numpy as np
import pytest

from data.errors import DataError
from data.sets import polarity
from data.sets.datasets import load

DATA = os.environ.get("TWINFORMER_DATA")


@pytest.mark.skipif(
    not DATA or not (Path(DATA) / "rt_polarity").is_dir(),
    reason="needs the polarity files: set TWINFORMER_DATA to the folder that holds rt_polarity/",
)
def test_the_real_files_give_the_standard_split():
    loaded = load("polarity")
    assert loaded.classes == ("negative", "positive")
    splits = loaded.train, loaded.validation, loaded.test
    assert [len(split) for split in splits] == [8530, 1066, 1066]
    assert [split.labels.sum() for split in splits] == [4265, 533, 533]
    assert loaded.train.texts[0] == "simplistic , silly and tedious ."
    assert loaded.train.texts[4265].startswith("the rock is destined to be the 21st century's")
    assert loaded.train.labels[4264] == 0 and loaded.train.labels[4265] == 1


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rt_polarity").mkdir()
    for sign in ("neg", "pos"):
        lines = "".join(f"{sign}\x85 {i} \n" for i in range(5331))
        (tmp_path / "rt_polarity" / f"rt-polarity.{sign}").write_text(lines, "utf-8", newline="\n")
    return tmp_path


def test_rows_keep_their_order_and_lines_break_at_newlines_only(folder):
    loaded = polarity.load(folder)
    assert loaded.train.texts[0] == "neg\x85 0"
    assert loaded.train.texts[4264:4266] == ("neg\x85 4264", "pos\x85 0")
    assert loaded.validation.texts[0] == "neg\x85 4265"
    assert loaded.test.texts[-1] == "pos\x85 5330"
    np.testing.assert_array_equal(loaded.validation.labels, np.repeat([0, 1], 533))
    assert loaded.train.labels.dtype == np.int32


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "0 sentences instead of 5,331"),
        (b"one\ntwo\n", "2 sentences instead of 5,331"),
        (b"caf\xe9\n" * 5331, "byte 3 is not UTF-8"),
        (b" \n" * 5331, "row 4265 is ''"),
    ],
)
def test_a_wrong_file_is_refused(folder, content, words):
    (folder / "rt_polarity" / "rt-polarity.pos").write_bytes(content)
    with pytest.raises(DataError) as error:
        polarity.load(folder)
    assert words in str(error.value)


def test_a_missing_file_is_refused_with_its_path_and_the_remedy(folder):
    missing = folder / "rt_polarity" / "rt-polarity.neg"
    missing.unlink()
    with pytest.raises(DataError) as error:
        polarity.load(folder)
    for word in (str(missing), "No such file", "TWINFORMER_DATA"):
        assert word in str(error.value)


def test_sentences_of_each_file_have_its_class(folder):
    loaded = polarity.load(folder)
    for split in (loaded.train, loaded.validation, loaded.test):
        for text, label in zip(split.texts, split.labels, strict=True):
            assert loaded.classes[label].startswith(text[:3])
