"""A full disk, no permission, a folder gone, no memory: one line, status 2, and what was saved goes on."""

import errno
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from parity_tests.tests.train.failing_disk import KINDS, failing
from train import sizes
from train.config import FRAMEWORKS
from train.loops import torch_loop
from train.loops.backend import backend
from train.runs.checkpoint import NAME, read_whole
from train.runs.verify import verify
from train.tasks import task as tasks
from twinformer import cli

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")

TRAIN = (
    "train classifier-embedded --skip-parity --text.batch 64 --text.buckets 1 "
    "--model.vocab 300 --model.max-positions 8 --model.embed 8 --model.heads 2 --model.mlp 8 --model.layers 1"
    " --steps 6 --save-every 2 --keep 2"
)


def train(run: Path, *more: str, framework: str = "torch") -> int:
    """The status of the command."""
    return cli.status([*TRAIN.split(), "--framework", framework, "--out", str(run), *more])


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """The data are prepared once, and the picture is none: they are most of the time."""
    found: list[tasks.Task] = []

    def prepare(*arguments: Any, **named: Any) -> tasks.Task:
        if not found:
            found.append(tasks.prepare(*arguments, **named))
        return found[0]

    def draw(metrics: Any, title: str, path: Path) -> None:
        path.write_bytes(b"a picture")

    with ExitStack() as stack:
        for name in ("train.start.prepare", "train.resume.prepare"):
            stack.enter_context(mock.patch(name, prepare))
        stack.enter_context(mock.patch("train.runs.curves.draw", draw))
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing happened to."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert train(out) == 0
    return out


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many operations on files a run makes."""
    out = tmp_path_factory.mktemp("counted") / "run"
    with failing(out, None) as disk:
        assert train(out) == 0
    return disk.operations


def weights(run: Path) -> dict[str, np.ndarray]:
    return load_file(run / "torch" / NAME)


def goes_on(run: Path, whole: Path) -> None:
    """What is saved is whole, and the command that is told leads to the same bits."""
    for path in run.rglob("*.safetensors"):
        read_whole(path)
    saved = (run / "torch" / NAME).is_file()
    assert (cli.status(["resume", str(run)]) if saved else train(run, "--overwrite")) == 0
    assert all((array == weights(whole)[name]).all() for name, array in weights(run).items())
    assert not [finding for finding in verify(run) if finding.wrong]


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("apart", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_the_disk_may_fail_at_any_moment(
    lasts: bool, apart: int, whole: Path, operations: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At each operation on a file; without the slow one, at each twentieth."""
    assert operations > 60
    refused, moments = 0, range(min(apart, 3 if lasts else 5), operations + 1, apart)
    for at in moments:
        number = list(KINDS)[at % len(KINDS)]
        run = tmp_path / str(at)
        with failing(run, at, number, lasts):
            status = train(run)
        said = capsys.readouterr().err
        if status == 0:  # what failed was of no account to the run
            assert (run / "report.json").is_file(), at
            continue
        refused += 1
        assert status == 2 and said.count("\n") == 1, (at, said)
        assert str(run) in said.partition(";")[0] and KINDS[number] in said, (at, said)
        if (run / "torch" / NAME).is_file() and not (run / "report.json").is_file():
            assert f"go on with: twinformer resume {run}" in said, (at, said)
            goes_on(run, whole)
        elif not run.exists():
            assert train(run) == 0
        elif not (run / "report.json").is_file():
            goes_on(run, whole)
        capsys.readouterr()
    assert refused > len(moments) / 2


@pytest.mark.parametrize("what", ["full", "vanished"])
def test_what_the_system_does_while_it_trains(
    what: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit of the size of files, which stands for a full disk; a folder that another program removes."""
    run, step = tmp_path / "run", torch_loop.Trainer.step
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def until(self: Any, number: int) -> Any:
        if number == 3 and what == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        elif number == 3:
            shutil.rmtree(run)
        return step(self, number)

    try:
        with mock.patch.object(torch_loop.Trainer, "step", until):
            assert train(run) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(run / "torch") in said
    if what == "full":
        assert "File too large" in said and f"{run / 'torch'} holds 2 steps; go on with: twinformer" in said
        assert not list(run.rglob("*.partial"))
        goes_on(run, whole)
    else:
        assert "No such file or directory" in said and "begin again with the same command" in said
        assert not run.exists()


def test_the_lock_is_given_back_where_nothing_can_be_removed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with failing(run, 3, errno.EACCES, lasts=True):  # the folder, the lock, and then no more
        assert train(run) == 2
    assert train(run, "--overwrite") == 0


def data_of_this_process() -> int:
    """Bytes, as the system limits them."""
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmData:"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_memory_that_runs_out(framework: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A limit that the system holds, and what each framework says of it."""
    run, trainer = tmp_path / "run", backend(framework).Trainer
    step, ask = trainer.step, {"jax": jnp.zeros, "torch": torch.zeros}[framework]
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)

    def asking(self: Any, number: int) -> Any:
        if number == 3:
            resource.setrlimit(resource.RLIMIT_DATA, (data_of_this_process() + 2**26, hard))
            np.asarray(ask(2**29) + 1)
        return step(self, number)

    try:
        with mock.patch.object(trainer, "step", asking):
            assert train(run, framework=framework) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    said = capsys.readouterr().err
    assert said.startswith("twinformer: not enough memory (") and said.splitlines()[1:] == []
    assert "make the model, the batch or the number of texts smaller" in said
    assert f"{run / framework} holds 2 steps; go on with: twinformer resume {run}" in said
    assert cli.status(["resume", str(run)]) == 0


def test_a_limit_counts_as_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """That of the process, and that of a container."""
    machine = sizes.memory()
    monkeypatch.setattr(sizes, "CONTAINER", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("12345\n")
    assert sizes.memory() == 12345
    (tmp_path / "memory.max").write_text("max\n")
    assert sizes.memory() == machine
    limits = {resource.RLIMIT_DATA: (777, -1), resource.RLIMIT_AS: (-1, -1)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    assert sizes.memory() == 777
