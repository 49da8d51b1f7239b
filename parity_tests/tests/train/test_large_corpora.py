"""Runs on a corpus whose tokens lie on disk: the same as in memory, made once, whole or not there."""

import os
import shutil
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import data
from data.batches import stream_files
from data.sets import large as bounds
from jax_impl.config import BertConfig, GPTConfig
from parity_tests.tests.data.test_large import text
from parity_tests.tests.import_graph import module_graph
from parity_tests.tests.import_graph import sources as sources_of
from parity_tests.tests.train.failing_disk import failing
from train import sources
from train.config import Config, Text
from train.runs import digests
from train.tasks import entries, language, large, token_cache
from train.tasks.task import Task, prepare

SIZES = {"vocab": 300, "max_positions": 16, "embed": 8, "heads": 2, "mlp": 8, "layers": 1}
MODELS = {"gpt": GPTConfig(**SIZES), "bert": BertConfig(**SIZES)}
CODE = dict.fromkeys(large.SOURCES, "a")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """A cache of its own, sources that are known, and every corpus is a large one."""
    place = tmp_path / "cache"
    with (
        mock.patch.object(token_cache, "folder", lambda: place),
        mock.patch.object(entries, "folder", lambda: tmp_path / "texts"),
        mock.patch.object(sources, "imported", lambda: CODE),
        mock.patch.object(bounds, "LARGE", 0),
    ):
        yield place


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(text(n % 170, 12) for n in range(180)), "utf-8")
    return path


def config(path: Path, family: str = "gpt") -> Config:
    return Config(data=str(path), model=MODELS[family], text=Text(batch=8), steps=4)


@contextmanager
def counted() -> Iterator[list[Path]]:
    """The streams that are written rather than mapped."""
    made: list[Path] = []

    def write(folder: Path, *rest: object) -> None:
        made.append(folder)
        real(folder, *rest)

    real = stream_files.write
    with mock.patch.object(stream_files, "write", write):
        yield made


def of_run(task: Task) -> list[object]:
    """All that a run takes of its texts; arrays by a digest, as pytest would compare them for minutes."""
    batches = [task.batch(0), task.batch(40), *task.evaluation("test"), *task.evaluated()]
    arrays = [digests.of_array(array) for batch in batches for array in batch]
    bytes_of = [windows.bytes for windows in task.windows.values()]
    tokenizer = sha256(task.tokenizer.to_str().encode()).hexdigest()
    said = [task.describe(), task.steps_per_epoch, tokenizer]
    return [*said, arrays, bytes_of, task.baselines, task.found]


def is_mapped(array: np.ndarray) -> bool:
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


@pytest.mark.parametrize("family", MODELS)
def test_a_run_has_the_same_batches_from_memory_and_from_disk(family, mine, folder):
    with mock.patch.object(bounds, "LARGE", mine.stat().st_size + 1):
        in_memory = prepare(config(mine, family), None)
    assert not folder.exists() and not is_mapped(in_memory.windows["train"].tokens)
    first = prepare(config(mine, family), None)
    with counted() as made:
        second = prepare(config(mine, family), None)
        opened = prepare(config(mine, family), None, first.tokenizer)  # as evaluating and resuming do
    assert not made
    assert all(is_mapped(task.windows["train"].ids) for task in (first, second, opened))
    assert of_run(in_memory) == of_run(first) == of_run(second) == of_run(opened)


def test_what_decides_makes_it_anew(mine):
    first = prepare(config(mine), None)
    questions = [
        lambda: prepare(config(mine, "bert"), None),
        lambda: prepare(replace(config(mine), documents="files"), None),
        lambda: prepare(replace(config(mine), model=replace(MODELS["gpt"], vocab=290)), None),
    ]
    for ask in questions:
        with counted() as made:
            ask()
            assert len(made) == 1
            ask()
            assert len(made) == 1
    with counted() as made, mock.patch.object(sources, "imported", lambda: CODE | {large.__name__: "b"}):
        prepare(config(mine), None)
        assert len(made) == 1
    with counted() as made:
        prepare(config(mine), None)
        assert not made
        mine.write_text(mine.read_text("utf-8") + "\nmore", "utf-8")
        assert prepare(config(mine), None).found.sha256 != first.found.sha256
        assert len(made) == 1


def test_no_module_that_reads_or_cuts_texts_is_forgotten():
    """All that the modules of a large corpus import of ours, but for what decides no token."""
    graph, found = module_graph(sources_of()), set()
    following = {bounds.__name__, stream_files.__name__}
    while following:
        found |= following
        following = {one for module in following for one in graph[module]} - found
    nothing = {
        "data",
        "data.errors",
        "data.readers",
        "data.sets.corpus",
        "data.sets.found",
        "data.sets.labelled",
    }
    nothing |= {"data.batches.examples"}
    assert found - nothing == set(large.SOURCES) - {large.__name__, "train.tasks.kept"}
    assert set(large.READERS) <= set(sys.modules)  # as those whose digests are known


def test_unknown_sources_are_kept_for_the_process_alone(mine, folder):
    unknown = mock.patch.object(sources, "imported", lambda: None)
    with unknown, counted() as made, mock.patch("atexit.register") as ends:
        first, second = (of_run(prepare(config(mine), None)) for _ in range(2))
    assert first == second and len(made) == 2
    for call in ends.call_args_list:
        call.args[0](*call.args[1:], **call.kwargs)
    assert not list(folder.iterdir())


def entry(folder: Path) -> Path:
    (place,) = folder.iterdir()
    return place


DAMAGES = {
    "cut off": lambda place: os.truncate(place / "train.tokens", 40),
    "a file less": lambda place: (place / "test.sizes").unlink(),
    "not said what it is": lambda place: (place / "about.json").unlink(),
    "said otherwise": lambda place: (place / "about.json").write_text('{"bytes": {}, "found": {}}'),
    "no folder": lambda place: (shutil.rmtree(place), place.touch()),
    "empty": lambda place: (shutil.rmtree(place), place.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_made_again(damage, mine, folder):
    whole = of_run(prepare(config(mine), None))
    DAMAGES[damage](entry(folder))
    with counted() as made:
        assert of_run(prepare(config(mine), None)) == whole
        assert len(made) == 1
        assert of_run(prepare(config(mine), None)) == whole
        assert len(made) == 1
    entry(folder)


def test_what_ends_halfway_leaves_nothing(mine, folder):
    def documents(self: bounds.LargeCorpus) -> Iterator[tuple[str, str]]:
        yield "train", "half"
        raise KeyboardInterrupt

    with mock.patch.object(bounds.LargeCorpus, "documents", documents), pytest.raises(KeyboardInterrupt):
        prepare(config(mine), None)
    assert not list(folder.iterdir())


def test_a_disk_that_is_too_small_is_said_with_what_is_needed(mine, folder):
    full = mock.patch("shutil.disk_usage", lambda path: namedtuple("usage", "free")(1000))
    said = r"need 0\.0 GB in .*cache, which has room for 0\.0 GB; make"
    several = mock.patch.object(stream_files, "BATCH", 2000)
    with full, several, pytest.raises(data.DataError, match=said):
        prepare(config(mine), None)
    assert not list(folder.iterdir())


def test_a_disk_that_fails_leaves_no_entry_that_is_not_whole(mine, folder):
    whole = of_run(prepare(config(mine), None))
    shutil.rmtree(folder)
    with failing(folder, None) as disk:
        prepare(config(mine), None)
    for at in range(1, disk.operations + 1):
        shutil.rmtree(folder, ignore_errors=True)
        with failing(folder, at, lasts=True):
            try:
                assert of_run(prepare(config(mine), None)) == whole
            except data.DataError as error:
                assert "could not keep the corpus' tokens" in str(error) and "No space" in str(error)
        assert of_run(prepare(config(mine), None)) == whole


def test_several_at_once_make_the_same(mine, folder):
    whole = of_run(prepare(config(mine), None))
    shutil.rmtree(folder)
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(of_run(prepare(config(mine), None)))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [whole] * 3
    entry(folder)


def test_what_nobody_used_for_long_goes(mine, folder):
    prepare(config(mine), None)
    old, partial = entry(folder), folder / f"{token_cache.PARTIAL}dead"
    partial.mkdir()
    for path, age in ((old, token_cache.UNUSED - 60), (partial, token_cache.DEAD - 60)):
        for one in (*path.iterdir(), path):
            os.utime(one, (one.stat().st_mtime - age,) * 2)
    token_cache.drop_unused()
    assert set(folder.iterdir()) == {old, partial}
    for path in (old, partial):
        for one in (*path.iterdir(), path):
            os.utime(one, (one.stat().st_mtime - 120,) * 2)
    prepare(config(mine), None)  # uses it
    token_cache.drop_unused()
    assert set(folder.iterdir()) == {old}
    os.utime(old, (1e9, 1e9))
    for one in old.iterdir():
        os.utime(one, (1e9, 1e9))
    token_cache.drop_unused()
    assert not list(folder.iterdir())


def test_baselines_count_the_beginning_of_a_large_corpus_and_say_so(mine):
    whole = prepare(config(mine), None)
    assert "count" not in whole.describe()
    with mock.patch.object(language, "COUNTED", 200):
        task = prepare(config(mine), None)
    tokens = whole.windows["train"].tokens
    assert task.counted.tokens.tolist() == tokens[: 16 * (199 // 16) + 1].tolist()
    assert task.describe().endswith("; the baselines count 193 tokens")
    assert task.baselines != whole.baselines
