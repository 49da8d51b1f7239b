"""``twinformer record``, and ``twinformer compare`` of what it wrote."""

import json
from pathlib import Path

import pytest

from twinformer import cli

REFERENCE = """
import numpy as np, torch
from torch_impl.convert import Row

reference = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh())
inputs = {"input": np.ones((2, 4))}
weights = [Row("0/kernel", "0.weight", "i o -> o i"), Row("0/bias", "0.bias", "o -> o")]
"""
PORT = """
import jax.numpy as jnp
from parity_tests.pair import JaxModel

def port(params, input):
    return jnp.tanh(input @ params["0"]["kernel"] + params["0"]["bias"]) * SCALE

SCALE = 1.0
reference = "recorded/reference.safetensors"
candidate = JaxModel(port, {"0": {"kernel": jnp.zeros((4, 3)), "bias": jnp.zeros(3)}})
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "reference.py").write_text(REFERENCE, "utf-8")
    (tmp_path / "port.py").write_text(PORT, "utf-8")
    return tmp_path


def recorded(folder: Path, *options: str) -> int:
    out = folder / "recorded" / "reference.safetensors"
    return cli.status(["record", str(folder / "reference.py"), str(out), *options])


def test_a_port_is_compared_with_a_file_beside_it(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recorded(files) == 0
    size = (files / "recorded" / "reference.safetensors").stat().st_size
    assert capsys.readouterr().out.endswith(f"reference.safetensors: {size:,} bytes\n")
    compared = ["compare", str(files / "port.py"), "--json", str(files / "parity.json")]
    assert cli.status(compared) == 0
    assert json.loads((files / "parity.json").read_text("utf-8"))["passed"]
    monkeypatch.chdir(files)
    (files / "port.py").write_text(PORT.replace("SCALE = 1.0", "SCALE = 1.001"), "utf-8")
    assert cli.status(["compare", "port.py"]) == 1


def test_options_are_heard(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recorded(files, "--dtype", "float32", "--digests") == 0
    assert cli.status(["compare", str(files / "port.py"), "--dtype", "float32"]) == 2
    assert "port.py: the candidate's weights are not those of" in capsys.readouterr().err
    assert cli.status(["compare", str(files / "port.py")]) == 2
    assert "port.py: dtype 'float64':" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, text, words",
    [
        (
            "reference.py",
            REFERENCE.replace("inputs =", "given ="),
            "defines no inputs: it needs reference, inputs",
        ),
        (
            "reference.py",
            REFERENCE.replace('"o -> o")', '"o -> o", abs)'),
            "reference.py: weights: the row of '0/bias'",
        ),
        ("reference.py", REFERENCE + "1 / 0", "reference.py, line 8: ZeroDivisionError"),
    ],
)
def test_a_file_that_defines_nothing_to_record_is_refused_in_a_line(
    name: str, text: str, words: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / name).write_text(text, "utf-8")
    assert recorded(files) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1
    assert not [*files.glob("recorded/*")]


def test_a_port_without_its_reference_is_refused_in_a_line(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.status(["compare", str(files / "port.py")]) == 2
    err = capsys.readouterr().err
    assert "reference.safetensors is no file: make it by record(" in err and err.count("\n") == 1
