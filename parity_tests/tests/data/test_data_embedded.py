"""The data set that every Python brings with it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from data.errors import DataError
from data.sets import embedded

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def loaded():
    return embedded.load()


@pytest.fixture(scope="module")
def modules():
    return embedded.paragraphs_by_module(Path(sysconfig.get_path("stdlib")))


def test_there_are_enough_examples_of_each_class_in_each_split(loaded):
    counts = np.array([np.bincount(getattr(loaded, s).labels, minlength=7) for s in SPLITS])
    assert counts.sum() >= 1500
    assert counts[0].min() >= 100
    assert counts[1:].min() >= 20
    shares = counts / counts.sum(axis=0)
    assert shares[0].min() >= 0.65 and shares[0].max() <= 0.80
    assert counts.sum(axis=0).max() <= 5 * counts.sum(axis=0).min()


def test_no_module_is_in_two_splits(loaded, modules):
    split_of = {text: name for name in SPLITS for text in getattr(loaded, name).texts}
    used = 0
    for name, paragraphs in modules.items():
        assert len({split_of[text] for text in paragraphs}) <= 1, name
        used += len(paragraphs)
    assert used == sum(len(getattr(loaded, name)) for name in SPLITS)


def test_labels_are_the_packages(loaded, modules):
    package = {text: embedded.package_of(name) for name, found in modules.items() for text in found}
    for name in SPLITS:
        split = getattr(loaded, name)
        assert [package[t] for t in split.texts] == [loaded.classes[i] for i in split.labels]


def test_no_text_occurs_twice_or_is_short(loaded):
    texts = [text.lower() for name in SPLITS for text in getattr(loaded, name).texts]
    assert len(set(texts)) == len(texts)
    assert min(len(text.split()) for text in texts) == embedded.MIN_WORDS
    assert not any(">>>" in text for text in texts)


def test_another_process_with_another_hash_seed_gives_the_same_examples(loaded):
    program = (
        "import hashlib; from data.sets import embedded; split = embedded.load().test;"
        "print(hashlib.sha256(repr(split.texts).encode() + split.labels.tobytes()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_modules_are_placed_largest_first_where_most_is_missing():
    placed = embedded.place({"a": 60, "b": 15, "c": 15, "d": 10})
    assert placed == {"a": "train", "b": "validation", "c": "test", "d": "train"}


def source(folder, module, *docstrings):
    file = folder / f"{module.replace('.', '/')}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f'def f{i}():\n    """{d}"""\n' for i, d in enumerate(docstrings)))


def test_repeated_doubtful_and_short_paragraphs_are_left_out(tmp_path):
    for package in embedded.PACKAGES:
        source(tmp_path, f"{package}.one", f"This is what is said in {package}.")
    source(
        tmp_path,
        "http.two",
        "THIS is what is said in http.",
        "Too short.",
        ">>> 1 + 1 is quite certainly 2",
    )
    source(
        tmp_path,
        "http.three",
        "The same words in two packages.\n\n    And some\n    of its own, only here.",
    )
    source(tmp_path, "xml.two", "The same words in two packages.")
    source(tmp_path, "xml.test.two", "The tests of a package are not it.")
    modules = embedded.paragraphs_by_module(tmp_path)
    assert modules["http.one"] == ["This is what is said in http."]
    assert modules["http.two"] == []
    assert modules["http.three"] == ["And some of its own, only here."]
    assert modules["xml.two"] == []
    assert "xml.test.two" not in modules


def test_a_python_without_sources_is_refused(tmp_path):
    with pytest.raises(DataError) as error:
        embedded.load(tmp_path / "python311.zip")
    for word in ("'asyncio'", "python311.zip", "full CPython"):
        assert word in str(error.value)


def test_a_paragraph_has_the_label_of_its_package(tmp_path):
    for package in embedded.PACKAGES:
        for module in ("one", "two", "three", "four", "five", "six"):
            source(tmp_path, f"{package}.{module}", f"This is what {module} of {package} says.")
    loaded = embedded.load(tmp_path)
    for split in (loaded.train, loaded.validation, loaded.test):
        assert [f"{loaded.classes[label]} says." for label in split.labels] == [
            " ".join(text.split()[-2:]) for text in split.texts
        ]
        assert len(split) % len(embedded.PACKAGES) == 0
