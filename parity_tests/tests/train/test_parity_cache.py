"""A preflight that passed is not made again; one that differs in anything is."""

import json
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import torch_impl
from jax_impl.config import ClassifierConfig
from parity_tests.core.compare import Check
from parity_tests.twins.inputs import Twin
from parity_tests.twins.registry import PARTS
from train.config import Config, Text
from train.proof import cache as parity_cache
from train.proof.cache import digest, recall, remember
from train.proof.preflight import ParityError, preflight
from train.tasks.task import prepare

TWIN = Twin("gelu", PARTS["gelu"], lambda rng: {}, {"eps": 0.5})
INPUTS = {"x": np.arange(6.0), "ids": np.arange(3)}
CHECKS = [Check("gelu", "forward", "output", "float64", 2e-16, 1e-16, 1e-11, True)]


@pytest.fixture(autouse=True)
def folder(tmp_path):
    with mock.patch("train.proof.cache.folder", lambda: tmp_path / "new" / "parity"):
        yield tmp_path / "new" / "parity"


def test_what_is_remembered_is_recalled():
    assert recall("a") is None
    remember("a", CHECKS)
    assert recall("a") == CHECKS
    assert recall("b") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '[{"model": "gelu"}]', "\x00\xff", "failed", "[1]"]
)
def test_a_damaged_file_is_no_file(folder, text):
    remember("a", CHECKS)
    failed = json.dumps([vars(replace(CHECKS[0], passed=False))])
    (folder / "a.json").write_bytes((failed if text == "failed" else text).encode("latin-1"))
    assert recall("a") is None


def test_a_folder_that_cannot_be_written_is_no_error(folder):
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    remember("a", CHECKS)
    assert recall("a") is None
    assert folder.read_text().startswith("a file")


def test_nothing_but_the_file_is_left_behind(folder):
    remember("a", CHECKS)
    with mock.patch.object(Path, "replace", side_effect=OSError("disk full")):
        remember("b", CHECKS)
    assert [path.name for path in folder.iterdir()] == ["a.json"]


def test_the_digest_is_the_same_for_the_same():
    again = {name: array.copy() for name, array in reversed(INPUTS.items())}
    assert digest(TWIN, INPUTS, "float64", 0) == digest(replace(TWIN), again, "float64", 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("twin", replace(TWIN, name="other")),
        ("twin", replace(TWIN, pair=PARTS["relu"])),
        ("twin", replace(TWIN, arguments={"eps": 0.25})),
        ("twin", replace(TWIN, whole_model=True)),
        ("inputs", INPUTS | {"x": np.arange(6.0) + 1e-15}),
        ("inputs", INPUTS | {"x": np.arange(6.0).reshape(2, 3)}),
        ("inputs", INPUTS | {"ids": np.arange(3, dtype=np.int32)}),
        ("inputs", {"y": INPUTS["x"], "ids": INPUTS["ids"]}),
        ("inputs", {"x": INPUTS["x"]}),
        ("dtype", "float32"),
        ("seed", 1),
    ],
)
def test_another_question_has_another_digest(name, value):
    asked = {"twin": TWIN, "inputs": INPUTS, "dtype": "float64", "seed": 0}
    assert digest(**asked) != digest(**asked | {name: value})


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("train.proof.cache.version", lambda package: "0.0"),
        ("platform.python_version", lambda: "3.99"),
        ("platform.machine", lambda: "another"),
        ("platform.processor", lambda: "another"),
        ("torch.backends.cpu.get_cpu_capability", lambda: "another"),
        ("jax.default_backend", lambda: "another"),
    ],
)
def test_another_machine_or_library_has_another_digest(target, value):
    before = digest(TWIN, INPUTS, "float64", 0)
    with mock.patch(target, value):
        assert digest(TWIN, INPUTS, "float64", 0) != before


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl", "parity_tests"])
def test_other_code_has_another_digest(tmp_path, package):
    def digest_here():
        with mock.patch.object(getattr(parity_cache, package), "__file__", str(tmp_path / "__init__.py")):
            return digest(TWIN, INPUTS, "float64", 0)

    found = [digest_here()]
    for name, text in (("a.py", "x = 1"), ("a.py", "x = 2"), ("b.py", "")):
        (tmp_path / name).write_text(text)
        found.append(digest_here())
    (tmp_path / "b.py").rename(tmp_path / "c.py")
    found.append(digest_here())
    (tmp_path / "part").mkdir()
    (tmp_path / "c.py").rename(tmp_path / "part" / "c.py")
    found.append(digest_here())
    (tmp_path / "part" / "c.py").write_text("x = 1")
    found.append(digest_here())
    assert len({digest(TWIN, INPUTS, "float64", 0), *found}) == 8


@pytest.fixture(scope="module")
def task():
    model = ClassifierConfig(vocab=300, max_positions=8, embed=8, heads=2, mlp=8, layers=1)
    config = Config(data="embedded", text=Text(batch=8, buckets=1), model=model, steps=1)
    return prepare(config, None)


def test_a_preflight_that_passed_is_not_made_again(task, tmp_path):
    first = preflight(task, tmp_path / "first.json")
    with mock.patch("train.proof.preflight.check_twin") as check:
        second = preflight(task, tmp_path / "second.json")
    check.assert_not_called()
    assert first.startswith("Parity holds: ") and second.startswith("Parity held before, ")
    assert first.split(": ")[1] == second.split(": ")[1]
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_a_preflight_that_failed_is_made_again(task, tmp_path, folder):
    wrong = torch_impl.layers.ACTIVATIONS | {"gelu": torch_impl.layers.gelu_tanh}
    with mock.patch.object(torch_impl.layers, "ACTIVATIONS", wrong), pytest.raises(ParityError):
        preflight(task, tmp_path / "parity.json")
    assert not folder.exists()
    assert preflight(task, tmp_path / "parity.json").startswith("Parity holds: ")
