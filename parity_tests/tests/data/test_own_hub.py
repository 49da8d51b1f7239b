"""Data sets that Hugging Face's `datasets` loads by name, by a stand-in for it: nothing is downloaded."""

from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError
from data.sets import large
from data.sets.large import LargeCorpus
from data.sets.own import Reading, bytes_of, digest, load_documents, load_labelled, place_of
from data.sets.rows import NAMES
from parity_tests.tests.data.datasets_stand_in import Names, Part, Picture, installed

TEXTS = [f"text number {n}" for n in range(60)]
LABELS = [n % 3 for n in range(60)]
CLASSES = {"label": Names("a", "b", "c")}
MINE = Path("hf:someone/mine")


def part(begin: int = 0, end: int = 60, **more: Any) -> Part:
    pictures = {"picture": [None] * (end - begin)}
    columns = {"picture": pictures["picture"], "text": TEXTS[begin:end], "label": LABELS[begin:end]}
    return Part(columns, CLASSES | {"picture": Picture()}, **more)


def test_a_data_set_is_loaded_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"train": part(0, 40), "test": part(40, 60), "unsupervised": part()}
    asked = installed(monkeypatch, lambda *names: parts)
    texts, found = load_labelled(place_of("hf:someone/mine"), Reading())
    assert list(texts.test.texts) == TEXTS[40:] and texts.classes == ("a", "b", "c")
    assert {*texts.train.texts, *texts.validation.texts} == set(TEXTS[:40])
    assert found.path == "hf:someone/mine" and texts.name == "mine"
    assert found.read == "text in 'text', label in 'label'; utf-8; splits by name (train, test)"
    assert load_documents(MINE, Reading())[0].test == tuple(TEXTS[40:])
    assert asked == [("someone/mine", None)]  # once in a process


def test_a_configuration_is_named_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = installed(monkeypatch, lambda *names: {"train": part()})
    load_labelled(place_of("hf:glue:sst2"), Reading())
    load_labelled(place_of("hf:nyu-mll/glue:cola"), Reading())
    assert asked == [("glue", "sst2"), ("nyu-mll/glue", "cola")]


def test_all_that_is_named_for_a_split_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"train_a": part(0, 20), "train_b": part(20, 40), "validation": part(40, 60)}
    installed(monkeypatch, lambda *names: parts)
    corpus, _ = load_documents(MINE, Reading())
    assert {*corpus.train, *corpus.test} == set(TEXTS[:40]) and set(corpus.validation) == set(TEXTS[40:])


@pytest.mark.parametrize("parts", [{"all": part()}, {"test": part()}, {"en": part(0, 30), "de": part(30)}])
def test_without_a_split_for_training_all_is_held_out_of(parts, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, lambda *names: parts)
    corpus, found = load_documents(MINE, Reading())
    assert {*corpus.train, *corpus.validation, *corpus.test} == set(TEXTS) and "by a hash" in found.read


def test_its_digest_is_of_its_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def named(*parts: tuple[str, Part]) -> str:
        installed(monkeypatch, lambda *names: dict(parts))
        return digest(MINE, Reading(), labelled=True)

    copy = tmp_path / "copy.arrow"
    copy.write_bytes(b"as this version has it")
    before = named(("train", part(0, 40)), ("test", part(40, 60)))
    assert named(("train", part(0, 40, files=(copy,))), ("test", part(40, 60))) == before
    assert named(("train", part(0, 39)), ("test", part(39, 60))) != before
    assert named(("train", part(0, 40)), ("test", part(40, 59))) != before
    other = part(0, 40)
    other.features["label"] = Names("a", "b", "d")
    assert named(("train", other), ("test", part(40, 60))) != before


def test_a_large_one_is_read_as_it_comes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "copy.arrow"
    copy.write_bytes(bytes(1000))
    installed(monkeypatch, lambda *names: {"train": part(files=(copy,))})
    assert bytes_of(MINE, Reading()) == 1000 < large.LARGE
    corpus, found = load_documents(MINE, Reading())
    read = LargeCorpus(MINE, Reading(), lambda what, read, total: None)
    documents = list(read.documents())
    for split in NAMES:
        assert tuple(text for name, text in documents if name == split) == getattr(corpus, split)
    assert read.found == found


def test_of_rows_with_something_the_matter_the_place_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Part({"text": ["", *TEXTS[1:]], "label": LABELS}, CLASSES)
    installed(monkeypatch, lambda *names: {"train": odd})
    _, found = load_documents(MINE, Reading())
    assert (found.findings[0].what, found.findings[0].first) == ("no text", "mine, train, row 1")


class DatasetNotFoundError(Exception):
    pass


# As datasets 4 says it.
FAILURES = [
    (
        DatasetNotFoundError("Dataset 'someone/mine' doesn't exist on the Hub or cannot be accessed."),
        "look its name up on https://huggingface.co/datasets.",
    ),
    (
        DatasetNotFoundError(
            "Dataset 'x' is a gated dataset on the Hub. You must be authenticated to access it."
        ),
        "log in first, as somebody who may read it: hf auth login.",
    ),
    (
        ConnectionError("Couldn't reach 'someone/mine' on the Hub (LocalEntryNotFoundError)"),
        "go online, or fetch its files and give their path.",
    ),
    (
        ValueError("Config name is missing.\nPlease pick one among the available configs: ['cola', 'sst2']"),
        "name one of them: hf:NAME:CONFIGURATION.",
    ),
    (OSError(28, "No space left on device"), "make room there, or have its files elsewhere: HF_HOME."),
    (
        RuntimeError("Dataset scripts are no longer supported, but found mine.py"),
        "fetch its texts, which it has code of its own for, and give their path.",
    ),
]


@pytest.mark.parametrize(("error", "remedy"), FAILURES)
def test_what_cannot_be_loaded_is_said_in_a_line(error, remedy, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*names: Any) -> Any:
        raise error

    installed(monkeypatch, fail)
    with pytest.raises(DataError) as said:
        load_labelled(MINE, Reading())
    line = str(said.value)
    assert line.startswith("hf:someone/mine: datasets cannot load it (") and line.endswith(remedy)
    assert "\n" not in line and " ".join(str(error).split())[:60] in line


def test_why_files_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class DatasetGenerationError(Exception):
        pass

    def fail(*names: Any) -> Any:
        raise DatasetGenerationError("An error occurred") from ValueError("columns differ")

    installed(monkeypatch, fail)
    with pytest.raises(DataError, match=r"cannot load it \(columns differ\); look"):
        load_labelled(MINE, Reading())


def test_a_library_that_runs_what_a_data_set_brings_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = installed(monkeypatch, lambda *names: {"train": part()}, version="2.19.1")
    with pytest.raises(
        DataError, match=r"datasets 2\.19\.1 would run code .* pip install --upgrade datasets"
    ):
        load_labelled(MINE, Reading())
    assert not asked


def test_a_name_lies_in_no_folder_and_a_path_stays_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        DataError, match=r"hf:imdb is loaded by its name, from no folder: leave --data-dir out"
    ):
        place_of("hf:imdb", tmp_path)
    with pytest.raises(DataError, match="hf: names no data set"):
        place_of("hf:")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hf:imdb").write_text("\n".join(TEXTS))
    assert place_of("hf:imdb") == Path("hf:imdb")
    assert len(load_documents(place_of("./hf:imdb"), Reading())[0].train) == 48


@pytest.mark.parametrize(
    ("name", "online"),
    [
        ("imdb", True),
        ("someone/mine", True),
        ("mine.csv", False),
        ("here/mine.csv", False),
        ("/a/b", False),
        ("../b", False),
    ],
)
def test_a_path_that_is_not_there_is_refused_as_a_path(
    name: str, online: bool, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    installed(monkeypatch, lambda *names: {"train": part()})
    with pytest.raises(DataError, match=f"^{name} is no file or folder: check the path") as said:
        place_of(name)
    assert (f"; one of Hugging Face's is hf:{name}." in str(said.value)) == online


@pytest.mark.parametrize(("read", "again"), [(MINE, "delete what it keeps of it"), (None, "save it again")])
def test_where_damage_begins_is_said(read, again, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Damaged files open; their rows do not."""

    class Damaged(Part):
        def iter(self, size: int) -> Any:
            yield from super().iter(20)
            raise UnicodeDecodeError("utf-8", b"\xdc", 0, 1, "invalid start byte")

    (tmp_path / "state.json").write_text("{}")
    installed(monkeypatch, lambda *names: Damaged({"text": TEXTS, "label": LABELS}, CLASSES))
    with pytest.raises(
        DataError, match=rf"after row 60 datasets can read no more \(.*invalid start.*; {again}"
    ):
        load_labelled(read or place_of(str(tmp_path)), Reading())
