"""JSON and safetensors of others: what is read, and what is refused in one line before anything is built."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from train.runs import untrusted
from train.runs.errors import CheckpointError, RunError
from train.runs.safetensors_header import header


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000 + "]" * 100_000, "nested deeper than 64"),
        ('{"a":' * 70 + "1" + "}" * 70, "nested deeper than 64"),
        ('{"a": NaN}', "NaN is no finite number"),
        ('{"a": -Infinity}', "-Infinity is no finite number"),
        ('{"a": 1e999}', "1e999 is no finite number"),
        ('{"a": 1' + "0" * 5000 + "}", "a number of 5001 digits"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' stands in it twice"),
        ('{"a": "\\ud800"}', "surrogates not allowed"),
        ("[1, 2]", "holds list where settings by name belong"),
        ("null", "holds NoneType"),
        ('{"a": "' + "x" * (1 << 20) + '"}', "where 1,048,576 are enough"),
        ("\ufeff{}", "BOM"),
    ],
)
def test_json_that_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=words) as error:
        untrusted.read_json(tmp_path / "x.json")
    assert str(tmp_path / "x.json") in str(error.value) and "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_no_plain_file_is_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # to open it would wait for ever
    for name in ("pipe", "."):
        with pytest.raises(RunError, match="no plain file"):
            untrusted.read_json(tmp_path / name)
        with pytest.raises(CheckpointError, match="no plain file"):
            header(tmp_path / name, "again")
    with pytest.raises(RunError, match=r"cannot read .*No such file"):
        untrusted.read_json(tmp_path / "missing")
    (tmp_path / "latin").write_bytes(b'{"a": "\xe4"}')
    with pytest.raises(RunError, match="is damaged: 'utf-8' codec"):
        untrusted.read_json(tmp_path / "latin")


def test_json_that_is_read_is_what_it_says() -> None:
    text = '{"a": [1, -2.5, null, true, "\\ud83d\\ude00"], "b": {"c": 1000000000000000019884624838656}}'
    assert untrusted.parse_json(text) == json.loads(text)
    deep: Any = json.loads("[" * 60 + "]" * 60)
    assert untrusted.parse_json("[" * 60 + "]" * 60) == deep


def test_a_header_says_what_save_file_wrote(tmp_path: Path) -> None:
    arrays = {"a": np.ones((2, 3), np.float32), "b": np.zeros(0, np.int64), "c": np.ones((), np.float16)}
    save_file(arrays, tmp_path / "x", {"about": "text"})
    found = header(tmp_path / "x", "again")
    assert {name: (one.dtype, one.shape) for name, one in found.items()} == {
        "a": ("F32", (2, 3)),
        "b": ("I64", (0,)),
        "c": ("F16", ()),
    }
    content = (tmp_path / "x").read_bytes()
    assert content[found["a"].begin :][:24] == arrays["a"].tobytes()


def tensor(shape: Any = (2,), place: Any = (0, 8), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": place}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([], "no list of tensors"),
        ({"a": tensor((10**12,))}, "lies from byte 0 to 8"),
        ({"a": tensor((10**12,), (0, 4 * 10**12))}, "and the file 8 for them"),
        ({"a": tensor((-2,))}, "no whole numbers from 0 on"),
        ({"a": tensor((2.0,))}, "no whole numbers from 0 on"),
        ({"a": tensor((True, 2))}, "no whole numbers from 0 on"),
        ({"a": tensor(place=(8, 0))}, "lies from byte 8 to 0"),
        ({"a": tensor(place=(0, 8, 8))}, "no whole numbers from 0 on"),
        ({"a": tensor(), "b": tensor()}, "b begins at byte 0, where the tensor before it ends at 8"),
        ({"a": tensor((1,), (4, 8))}, "a begins at byte 4"),
        ({"a": tensor((1,), (0, 4))}, "tensors have 4 bytes, and the file 8"),
        ({"a": tensor(dtype="F4")}, "dtype 'F4': known are"),
        ({"a": tensor(dtype=[])}, "dtype '\\[\\]'"),
        ({"a": {"dtype": "F32"}}, "a has not dtype, shape and data_offsets"),
        ({"a": 3}, "a has not dtype"),
        ({"a\nb": tensor()}, r"'a\\nb' is no name"),
        ({"\x1b[31m": tensor()}, "is no name"),
        ({"a" * 301: tensor()}, "is no name"),
        ({"__metadata__": {"about": 3}, "a": tensor()}, "no texts by name"),
    ],
)
def test_a_header_that_says_something_else_is_refused(tmp_path: Path, fields: Any, words: str) -> None:
    encoded = json.dumps(fields).encode()
    (tmp_path / "x").write_bytes(len(encoded).to_bytes(8, "little") + encoded + bytes(8))
    with pytest.raises(CheckpointError, match=words) as error:
        header(tmp_path / "x", "train again")
    assert str(error.value).endswith("train again") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"\x01", bytes(8), (2**63).to_bytes(8, "little") + b"{}", b"\x10" * 64]
)
def test_a_header_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        header(tmp_path / "x", "again")
