"""Parquet and what `datasets` saved: read where their libraries are, and a line that names them where not."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError
from data.readers import hugging_face, parquet
from data.sets.own import Reading, load_documents, load_labelled

ROWS = {"text": [f"text number {n}" for n in range(60)], "label": [n % 3 for n in range(60)]}


@pytest.fixture
def arrow() -> Any:
    return pytest.importorskip("pyarrow.parquet", reason="Parquet is read by pyarrow, an extra")


@pytest.fixture
def saved(arrow: Any, tmp_path: Path) -> Path:
    import pyarrow

    arrow.write_table(pyarrow.table(ROWS | {"numbers": [[n] for n in range(60)]}), tmp_path / "mine.parquet")
    return tmp_path / "mine.parquet"


def test_a_table_is_read(saved: Path) -> None:
    texts, found = load_labelled(saved, Reading())
    assert texts.classes == ("0", "1", "2") and not found.findings
    assert {*texts.train.texts, *texts.validation.texts, *texts.test.texts} == set(ROWS["text"])
    assert len(load_documents(saved, Reading())[0].train) == 48


def test_classes_have_the_names_that_datasets_gave_them(arrow: Any, tmp_path: Path) -> None:
    import pyarrow

    about = b'{"info": {"features": {"label": {"names": ["no", "yes", "maybe"], "_type": "ClassLabel"}}}}'
    table = pyarrow.table(ROWS).replace_schema_metadata({b"huggingface": about})
    arrow.write_table(table, tmp_path / "mine.parquet")
    assert load_labelled(tmp_path / "mine.parquet", Reading())[0].classes == ("maybe", "no", "yes")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_cut_file_is_refused(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"mine.parquet is cut or no Parquet file \(.*\); copy it again"):
        load_labelled(saved, Reading())


def test_a_file_that_is_damaged_inside_is_refused(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[4:400] = bytes(396)
    saved.write_bytes(bytes(content))
    with pytest.raises(DataError, match="is cut or no Parquet file"):
        load_labelled(saved, Reading())


@pytest.mark.parametrize(
    ("library", "read", "name"),
    [
        ("pyarrow", lambda path: parquet.read(path, "utf-8"), r"pip install 'twinformer\[parquet\]'"),
        ("datasets", hugging_face.read, "mine.parquet was saved by .* pip install datasets"),
        (
            "datasets",
            lambda path: hugging_face.load(Path("hf:mine")),
            "hf:mine is loaded .* install datasets",
        ),
    ],
)
def test_a_library_that_is_not_there_is_named(library, read, name, tmp_path, monkeypatch) -> None:
    importing = builtins.__import__

    def without(module: str, *rest: Any) -> Any:
        if module.partition(".")[0] == library:
            raise ImportError(module)
        return importing(module, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=name):
        read(tmp_path / "mine.parquet")


@pytest.mark.filterwarnings("ignore:Cannot (locate|pickle)")  # of that library, about a class of pyarrow
def test_what_datasets_saved_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="such folders are read by Hugging Face's datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["a", "b", "c"])}
    )
    whole = datasets.Dataset.from_dict(ROWS, features=features)
    parts = {"train": whole.select(range(40)), "test": whole.select(range(40, 60)), "unsupervised": whole}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "parts"))
    whole.filter(lambda row: row["label"] < 2).save_to_disk(str(tmp_path / "whole"))
    texts, found = load_labelled(tmp_path / "parts", Reading())
    assert list(texts.test.texts) == ROWS["text"][40:] and texts.classes == ("a", "b", "c")
    assert "by name (train, test)" in found.read
    assert load_labelled(tmp_path / "whole", Reading())[0].classes == ("a", "b")
