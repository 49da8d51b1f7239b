"""A run that was proven before starts without the other framework, and only where that would say the same."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import torch

import twinformer
from parity_tests.core.compare import Check
from train import sources
from train.proof import cache, frameworks
from train.runs import digests

ROOT = Path(twinformer.__file__).parents[1]
CODE = {"jax_impl.layers": "a"}
OTHER = {"jax": "torch", "torch": "jax"}
RUN = """
import json, sys
from pathlib import Path
from unittest import mock
from rich.console import Console
import train  # first, so that it is known of which sources the others are
from jax_impl.config import ClassifierConfig
from train.config import Config, Text
from train.loops import fit as loop
import train.start
from train.proof import cache
cache.folder = lambda: Path(sys.argv[1]) / "parity"
framework, other, found = sys.argv[2], sys.argv[3], []
def saved(*rest):
    found.append(other in sys.modules)
    return real(*rest)
real, loop.checkpoint.save = loop.checkpoint.save, saved
model = ClassifierConfig(vocab=300, max_positions=8, embed=8, heads=2, mlp=8, layers=1)
config = Config(data="embedded", text=Text(batch=512, buckets=1), model=model, steps=1)
frameworks = [framework, other][: int(sys.argv[4])]
with open(sys.argv[5], "w") as said:
    train.start.train(config, frameworks, Path(sys.argv[6]), None, False, Console(file=said, width=200))
print(json.dumps(found))
"""


def started(place: Path, name: str, framework: str, count: int = 1, **environment: str) -> tuple[list, str]:
    """Whether the other framework was there at each checkpoint of a run, and what was said of its parity."""
    arguments = [str(place), framework, OTHER[framework], str(count), str(place / "said"), str(place / name)]
    variables = os.environ | {"XDG_CACHE_HOME": str(place), "PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 0, done.stderr
    parity = next(line for line in (place / "said").read_text().splitlines() if line.startswith("Parity"))
    return json.loads(done.stdout), parity


@pytest.mark.slow  # five processes that import both frameworks
def test_a_run_that_was_proven_starts_without_the_other_framework(tmp_path):
    assert started(tmp_path, "first", "jax") == ([True] * 2, mock.ANY)
    for name, framework, there in (
        ("again", "jax", False),
        ("other", "torch", True),
        ("more", "torch", False),
    ):
        found, parity = started(tmp_path, name, framework)
        assert found == [there] * 2 and parity.startswith("Parity held before")
    reports = [(tmp_path / name / "parity.json").read_bytes() for name in ("first", "again", "other", "more")]
    assert len(set(reports)) == 1
    found, parity = started(tmp_path, "elsewhere", "jax", OMP_NUM_THREADS="1", TORCH_ANYTHING="1")
    assert found == [True] * 2 and parity.startswith("Parity holds")


@pytest.mark.slow
def test_the_second_framework_is_asked_again_when_it_is_imported(tmp_path):
    started(tmp_path, "first", "jax", 2)
    assert started(tmp_path, "second", "jax", 2)[0] == [False] * 2 + [True] * 2
    (path,) = (tmp_path / "parity").glob("torch-*.json")
    fields = json.loads(path.read_text())
    fields["said"]["threads"] = [99, 99]
    path.write_text(json.dumps(digests.sealed(fields)))
    # Nothing was proven for 99 threads: what is written there finds no entry.
    assert started(tmp_path, "third", "jax", 2) == ([True] * 4, mock.ANY)


@pytest.fixture
def unimported(monkeypatch) -> None:
    """As in a process that has not imported PyTorch."""
    monkeypatch.setattr(frameworks, "sys", mock.Mock(modules={}, version=sys.version))
    monkeypatch.setattr(sources, "imported", lambda: CODE)


def told(folder: Path) -> dict | None:
    return frameworks.said("torch", folder)


def test_what_was_said_stands_for_what_is_not_imported(tmp_path, unimported):
    assert told(tmp_path) is None
    frameworks.introduce(tmp_path)
    assert told(tmp_path) == json.loads(json.dumps(frameworks.SAYS["torch"]()))


def test_an_imported_framework_is_asked_itself(tmp_path):
    frameworks.introduce(tmp_path)
    assert not list(tmp_path.iterdir())  # both are imported, and may have been changed since
    before, threads = told(tmp_path), torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert told(tmp_path) != before
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("platform.platform", lambda: "another"),
        ("os.cpu_count", lambda: 99),
        ("train.proof.frameworks._processor", lambda: ["another"]),
        ("train.proof.frameworks.glob", lambda pattern: []),
        ("train.proof.frameworks.os.listdir", lambda folder: ["another-1.dist-info"]),
    ],
)
def test_another_process_is_not_spoken_for(tmp_path, unimported, target, value, monkeypatch):
    if target.endswith("glob"):  # a machine with a card, of which the driver says nothing
        monkeypatch.setattr(frameworks, "glob", lambda pattern: ["/dev/nvidia0"] * pattern.startswith("/dev"))
    frameworks.introduce(tmp_path)
    assert told(tmp_path) is not None
    with mock.patch(target, value):
        assert told(tmp_path) is None


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "XLA_FLAGS"])
def test_another_environment_is_not_spoken_for(tmp_path, unimported, name, monkeypatch):
    frameworks.introduce(tmp_path)
    monkeypatch.setenv(name, "7")
    assert told(tmp_path) is None


def test_a_framework_without_a_list_of_its_files_is_not_spoken_for(tmp_path, unimported):
    with mock.patch.object(frameworks, "distribution", return_value=mock.Mock(read_text=lambda name: None)):
        frameworks.introduce(tmp_path)
        assert told(tmp_path) is None
    assert not list(tmp_path.iterdir())


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "a number changed": lambda whole: whole.replace(b"float32", b"float64"),
    "no object": lambda whole: b"[]",
    "the other's": lambda whole: json.dumps(digests.sealed({"name": "jax", "said": {}})).encode(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_whole_says_nothing(tmp_path, unimported, damage):
    frameworks.introduce(tmp_path)
    path = frameworks._path("torch", tmp_path)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert told(tmp_path) is None


def test_nothing_is_recalled_while_one_says_nothing(tmp_path, unimported):
    checks = [Check("gelu", "forward", "gelu", "float64", 2e-16, 1e-16, 1e-11, True)]
    with mock.patch.object(cache, "folder", lambda: tmp_path):
        assert cache.digest({}, []) is None
        frameworks.introduce(tmp_path)
        name = cache.digest({}, [])
        cache.remember(name, checks)
        assert cache.recall(cache.digest({}, []), lambda found: True) == checks
        frameworks._path("torch", tmp_path).unlink()
        assert cache.recall(cache.digest({}, []), lambda found: True) is None


def test_a_source_that_is_not_imported_is_that_of_its_file(tmp_path, monkeypatch):
    (tmp_path / "data" / "inner").mkdir(parents=True)
    for path in ("__init__.py", "own.py", "inner/__init__.py"):
        (tmp_path / "data" / path).write_text("MARK = 'one'")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sources, "imported", lambda: {"data": "of memory"})
    before = sources.whole()
    assert before is not None and before["data"] == "of memory" and "jax_impl.layers" in before
    assert {"data.own", "data.inner"} <= before.keys()
    assert not any(".tests" in name for name in before)
    (tmp_path / "data" / "own.py").write_text("MARK = 'two'")
    after = sources.whole()
    assert after is not None and {name for name in before if before[name] != after[name]} == {"data.own"}


def test_sources_are_not_whole_where_those_that_were_imported_are_not_known(monkeypatch):
    monkeypatch.setattr(sources, "imported", lambda: None)
    assert sources.whole() is None
