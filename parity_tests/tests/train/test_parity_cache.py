"""A preflight that passed is not made again; one that differs in anything is."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from unittest import mock

import jax
import numpy as np
import pytest
import torch
from rich.console import Console

import torch_impl
from jax_impl.config import ClassifierConfig
from parity_tests.core.compare import Check
from train import sources
from train.config import Config, Text
from train.proof import compared, comparison
from train.proof.cache import EVALUATION, METRICS, WEIGHTS, complete, digest, recall, remember
from train.proof.preflight import ParityError, preflight
from train.runs import digests
from train.tasks.task import prepare

QUESTION = {"config": {"eps": 0.5}, "steps": [3, 9], "seed": 0}
ARRAYS = [np.arange(6.0), np.arange(3)]
CODE = {"jax_impl.layers": "a", "torch_impl.layers": "b"}
KINDS = ("forward", "tap", "parameter gradient", METRICS, WEIGHTS, EVALUATION)
CHECKS = [Check("gelu", kind, "kernel", "float64", 2e-16, 1e-16, 1e-11, True) for kind in KINDS]
WHOLE = partial(complete, params=["kernel"])


@pytest.fixture(autouse=True)
def folder(tmp_path):
    """A cache of its own, and sources that are known: here pytest imports some of them first."""
    place = tmp_path / "new" / "parity"
    with (
        mock.patch("train.proof.cache.folder", lambda: place),
        mock.patch.object(sources, "imported", lambda: CODE),
    ):
        yield place


def test_what_is_remembered_is_recalled():
    assert recall("a", WHOLE) is None
    remember("a", CHECKS)
    assert recall("a", WHOLE) == CHECKS
    assert recall("b", WHOLE) is None


def test_the_command_computes_what_passed_once():
    console = Console(quiet=True)
    with mock.patch.object(compared, "check_twin", wraps=compared.check_twin) as computed:
        for seed, again, times in ((0, False, 1), (0, False, 1), (1, False, 2), (0, True, 3)):
            assert comparison.compare_twins("relu", ("float64",), seed, None, None, console, again) == 0
            assert computed.call_count == times


def test_the_command_remembers_nothing_that_failed():
    console = Console(quiet=True)
    wrong = [replace(CHECKS[0], model="relu", passed=False, max_rel_error=1.0)]
    with (
        mock.patch.object(compared, "check_twin", return_value=wrong) as computed,
        mock.patch.object(compared, "isolate_twin", return_value=[]),
    ):
        for _ in range(2):
            assert comparison.compare_twins("relu", ("float64",), 0, None, None, console) == 1
        assert computed.call_count == 2


def resealed(change):
    """An entry that somebody changed, and whose digest is right."""

    def write(path):
        fields = json.loads(path.read_text())
        change(fields)
        path.write_text(json.dumps(digests.sealed(fields)))

    return write


def first(**changes):
    return resealed(lambda fields: fields["checks"][0].update(changes))


DAMAGES = {
    **{
        f"the text {text!r}": lambda path, text=text: path.write_bytes(text)
        for text in (b"", b"{", b"[]", b"null")
    },
    "latin-1": lambda path: path.write_bytes(b"\x00\xff"),
    "half of it": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "a number, without the digest": lambda path: path.write_text(path.read_text().replace("2e-16", "3e-16")),
    "a check that failed": first(passed=False),
    "an error beyond its bound": first(max_rel_error=1e-3),
    "a bound of its own": first(bound=1e9, max_rel_error=1e3),
    "an error that is none": first(max_rel_error=float("nan")),
    "another question's answer": resealed(lambda fields: fields.update(name="b")),
    "no checks": resealed(lambda fields: fields.update(checks=[])),
    **{
        f"no check of kind {kind}": resealed(lambda fields, n=n: fields["checks"].pop(n))
        for n, kind in enumerate(KINDS)
    },
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_whole_is_not_believed(folder, damage):
    remember("a", CHECKS)
    DAMAGES[damage](folder / "a.json")
    assert recall("a", WHOLE) is None


def test_every_parameter_has_to_be_among_the_checks():
    assert WHOLE(CHECKS)
    assert not complete(CHECKS, ["kernel", "bias"])


def test_a_folder_that_cannot_be_written_is_no_error(folder):
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    remember("a", CHECKS)
    assert recall("a", WHOLE) is None
    assert folder.read_text().startswith("a file")


def test_nothing_but_the_file_is_left_behind(folder):
    remember("a", CHECKS)
    with mock.patch.object(Path, "replace", side_effect=OSError("disk full")):
        remember("b", CHECKS)
    assert [path.name for path in folder.iterdir()] == ["a.json"]


def test_the_digest_is_the_same_for_the_same():
    again = dict(reversed(QUESTION.items()))
    assert digest(QUESTION, ARRAYS) == digest(again, [array.copy() for array in ARRAYS])


@pytest.mark.parametrize(
    ("question", "arrays"),
    [
        (QUESTION | {"seed": 1}, ARRAYS),
        (QUESTION | {"config": {"eps": 0.25}}, ARRAYS),
        ({"config": QUESTION["config"]}, ARRAYS),
        (QUESTION, [ARRAYS[0] + 1e-15, ARRAYS[1]]),
        (QUESTION, [ARRAYS[0].reshape(2, 3), ARRAYS[1]]),
        (QUESTION, [ARRAYS[0], ARRAYS[1].astype(np.int32)]),
        (QUESTION, ARRAYS[:1]),
        (QUESTION, ARRAYS[::-1]),
    ],
)
def test_another_question_has_another_digest(question, arrays):
    assert digest(question, arrays) != digest(QUESTION, ARRAYS)


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("train.proof.cache.version", lambda package: "0.0"),
        ("platform.python_version", lambda: "3.99"),
        ("platform.machine", lambda: "another"),
        ("platform.processor", lambda: "another"),
        ("torch.backends.cpu.get_cpu_capability", lambda: "another"),
        ("jax.default_backend", lambda: "another"),
        ("torch.get_num_threads", lambda: 99),
        ("torch.are_deterministic_algorithms_enabled", lambda: None),
        ("torch.get_float32_matmul_precision", lambda: "medium"),
        ("train.sources.imported", lambda: CODE | {"jax_impl.layers": "c"}),
        ("train.sources.imported", lambda: CODE | {"train.loops.fit": "c"}),
    ],
)
def test_another_machine_library_or_source_has_another_digest(target, value):
    before = digest(QUESTION, ARRAYS)
    with mock.patch(target, value):
        assert digest(QUESTION, ARRAYS) != before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jax_default_prng_impl", "rbg"),
        ("jax_threefry_partitionable", not jax.config.jax_threefry_partitionable),
        ("jax_enable_x64", True),
        ("jax_default_matmul_precision", "bfloat16"),
    ],
)
def test_another_setting_of_jax_has_another_digest(name, value):
    before, old = digest(QUESTION, ARRAYS), getattr(jax.config, name)
    jax.config.update(name, value)
    try:
        assert digest(QUESTION, ARRAYS) != before
    finally:
        jax.config.update(name, old)
    assert digest(QUESTION, ARRAYS) == before


@pytest.mark.parametrize(
    "name", ["XLA_FLAGS", "JAX_ANYTHING", "OMP_NUM_THREADS", "TORCH_ALLOW_TF32", "CUDA_VISIBLE_DEVICES"]
)
def test_another_environment_has_another_digest(name, monkeypatch):
    before = digest(QUESTION, ARRAYS)
    monkeypatch.setenv(name, "7")  # a number: a PyTorch that was built for CUDA reads its own as one
    assert digest(QUESTION, ARRAYS) != before


@pytest.mark.parametrize("name", ["JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
def test_where_compiled_programs_lie_changes_no_number(name, monkeypatch):
    before, setting, old = digest(QUESTION, ARRAYS), name.lower(), getattr(jax.config, name.lower())
    monkeypatch.setenv(name, "7")
    jax.config.update(setting, type(old or "")(7))
    try:
        assert digest(QUESTION, ARRAYS) == before
    finally:
        jax.config.update(setting, old)


def test_another_dtype_of_torch_has_another_digest():
    before = digest(QUESTION, ARRAYS)
    torch.set_default_dtype(torch.float64)
    try:
        assert digest(QUESTION, ARRAYS) != before
    finally:
        torch.set_default_dtype(torch.float32)


def test_sources_that_are_not_known_are_not_remembered(folder):
    with mock.patch.object(sources, "imported", lambda: None):
        assert digest(QUESTION, ARRAYS) is None
    remember(None, CHECKS)
    assert not folder.exists()


SEEN = """
import sys, json
sys.path.insert(0, sys.argv[1])
import train.sources
import data
import jax_impl.layers as layers
print(json.dumps([layers.MARK, train.sources.imported()["jax_impl.layers"]]))
"""


def seen(root: Path) -> list[str]:
    """What a process in a copy of the packages imported, and the digest that it keeps of it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", SEEN, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, env=environment, check=True)
    return json.loads(done.stdout)


def test_a_compiled_leftover_is_not_believed_and_what_ran_is_what_is_kept(tmp_path):
    """A source of the same size and time as before, with another text."""
    for package in ("train", "data", "jax_impl"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(
            "from train import sources\nsources.record()\n" * (package == "train")
        )
    (tmp_path / "train/sources.py").write_bytes(Path(sources.__file__).read_bytes())
    path = tmp_path / "jax_impl/layers.py"
    path.write_text("MARK = 'one'")
    os.utime(path, (1e9, 1e9))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(tmp_path)], check=True)
    before = seen(tmp_path)
    path.write_text("MARK = 'two'")
    os.utime(path, (1e9, 1e9))
    after = seen(tmp_path)
    assert [before[0], after[0]] == ["one", "two"] and before[1] != after[1]


def test_a_file_that_is_saved_later_is_not_what_was_imported(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/__init__.py").write_text("")
    path = tmp_path / "data/own.py"
    path.write_text("MARK = 'one'")
    finder = next(finder for finder in sys.meta_path if isinstance(finder, sources._Finder))
    spec = finder.find_spec("data.own", [str(tmp_path / "data")])
    assert spec is not None and spec.loader is not None
    spec.loader.get_code("data.own")
    kept = sources._digests.pop("data.own")
    path.write_text("MARK = 'two'")
    assert kept == sha256(b"MARK = 'one'").hexdigest()


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
