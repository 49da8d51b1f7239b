"""Compiled programs are kept for the command, and whatever is wrong with them, the command goes on."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import jax
import pytest

import twinformer
from twinformer import compile_cache

ROOT = Path(twinformer.__file__).parents[1]
PROGRAM = """
import json, collections
from twinformer import compile_cache
compile_cache.keep()
import jax
seen = collections.Counter()
jax.monitoring.register_event_listener(lambda event, **_: seen.update([event.rpartition("/")[2]]))
answers = [float(jax.jit(lambda x: x * 2 + 1)(3.0)), float(jax.jit(lambda x: x * 3 - 1)(3.0))]
jax.config.update("jax_disable_most_optimizations", True)
answers.append(float(jax.jit(lambda x: x * 2 + 1)(3.0)))
print(json.dumps([answers, seen["cache_hits"], seen["cache_misses"]]))
"""
OF_TESTS = ("JAX_ENABLE_COMPILATION_CACHE", "JAX_DISABLE_MOST_OPTIMIZATIONS")  # set for what tests start
PROGRAMS = 3  # of two functions, one of them with two settings of the compiler


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command in this process has set is no user's."""
    for name in (compile_cache.FOLDER, *compile_cache.SETTINGS):
        monkeypatch.delenv(name, raising=False)


def begin(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """A process as a user's, whose home is this one."""
    ours = {"PYTHONPATH": str(ROOT), "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    kept = {name: value for name, value in os.environ.items() if name not in OF_TESTS}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=kept | ours, **pipes)


def end(process: subprocess.Popen[str]) -> tuple[int, int, str]:
    """Programs that were loaded and kept, and what was said; the answers are right."""
    said = process.communicate()
    assert process.returncode == 0, said[1]
    answers, loaded, kept = json.loads(said[0])
    assert answers == [7.0, 8.0, 7.0]
    return loaded, kept, said[1]


def start(home: Path, before: str = "") -> tuple[int, int, str]:
    return end(begin(home, "-c", before + PROGRAM))


def entries(home: Path) -> list[Path]:
    return sorted((home / ".cache/twinformer/compiled").glob("jax-*/*-cache"))


def test_the_second_start_loads_what_the_first_compiled(home: Path) -> None:
    assert start(home) == (0, PROGRAMS, "")
    assert len(entries(home)) == PROGRAMS
    assert start(home) == (PROGRAMS, 0, "")


def emptied(entry: Path) -> None:
    entry.write_bytes(b"")


def cut_off(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes()[:-100])


def overwritten(entry: Path) -> None:
    entry.write_bytes(b"no program")


@pytest.mark.parametrize("damage", [emptied, cut_off, overwritten])
def test_what_is_not_whole_is_compiled_again_with_one_line(
    home: Path, damage: Callable[[Path], None]
) -> None:
    start(home)
    for entry in entries(home):
        damage(entry)
    loaded, _, said = start(home)
    assert loaded == 0 and said.count("\n") == 1
    assert said.startswith("twinformer: compiled programs cannot all be kept in ")
    assert said.endswith("Delete the folder, or set JAX_ENABLE_COMPILATION_CACHE=0\n")


def test_what_a_process_left_that_died_is_written_again(home: Path) -> None:
    start(home)
    cut_off(entries(home)[0])
    entries(home)[0].with_name(entries(home)[0].name.replace("-cache", "-atime")).unlink()
    assert start(home) == (PROGRAMS - 1, 1, "")
    assert start(home) == (PROGRAMS, 0, "")


def test_a_folder_that_cannot_be_made_is_told_in_one_line(home: Path) -> None:
    home.write_text("a file where the folder should be")
    loaded, _, said = start(home)
    assert loaded == 0 and said.count("\n") == 1 and "Not a directory" in said


# No file may be longer than a few bytes: the disk is full.
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))"


def test_a_disk_that_is_full_is_told_in_one_line_and_leaves_nothing_wrong(home: Path) -> None:
    loaded, _, said = start(home, FULL)
    assert loaded == 0 and said.count("\n") == 1 and "too large" in said
    assert start(home) == (0, PROGRAMS, "")


def test_programs_that_are_larger_than_the_bound_are_not_kept_and_nothing_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_COMPILATION_CACHE_MAX_SIZE", "7")
    assert start(home)[::2] == (0, "")
    assert entries(home) == []


def test_two_processes_at_once(home: Path) -> None:
    both = [begin(home, "-c", PROGRAM) for _ in range(2)]
    for loaded, kept, said in map(end, both):
        assert loaded + kept == PROGRAMS and said == ""
    assert start(home) == (PROGRAMS, 0, "")


def test_the_command_keeps_its_programs(home: Path) -> None:
    process = begin(home, "-m", "twinformer", "parity", "gelu")
    assert process.communicate()[1] == "" and process.returncode == 0
    assert entries(home)


@pytest.fixture
def nothing_said(tmp_path: Path) -> Iterator[None]:
    """An environment that says nothing of the cache, and warnings as they were afterwards."""
    with (
        mock.patch.dict(os.environ),
        mock.patch.object(compile_cache, "folder", lambda: tmp_path),
        warnings.catch_warnings(),
    ):
        for name in [name for name in os.environ if "COMPILATION_CACHE" in name]:
            del os.environ[name]
        yield


def test_the_user_s_folder_is_used_as_the_user_says(nothing_said: None) -> None:
    os.environ[compile_cache.FOLDER] = "mine"
    before = dict(os.environ)
    compile_cache.keep()
    assert os.environ == before


def test_a_process_that_inherits_the_folder_says_as_much_of_it(nothing_said: None) -> None:
    with mock.patch.object(compile_cache, "tell_once") as told:
        compile_cache.keep()
        before = dict(os.environ)
        compile_cache.keep()
    assert dict(os.environ) == before and told.call_count == 2


def test_the_user_s_other_settings_stand(nothing_said: None, tmp_path: Path) -> None:
    os.environ["JAX_COMPILATION_CACHE_MAX_SIZE"] = "7"
    compile_cache.keep()
    assert os.environ["JAX_COMPILATION_CACHE_MAX_SIZE"] == "7"
    assert os.environ[compile_cache.FOLDER] == str(tmp_path)


def test_other_warnings_are_shown(nothing_said: None) -> None:
    with mock.patch.object(warnings, "showwarning") as show:
        compile_cache.tell_once(Path("x"))
        warnings.showwarning("another", UserWarning, "file", 1)
    show.assert_called_once_with("another", UserWarning, "file", 1)


def test_our_tests_leave_the_user_s_programs_alone() -> None:
    assert not jax.config.jax_enable_compilation_cache
    assert os.environ["JAX_ENABLE_COMPILATION_CACHE"] == "0"
