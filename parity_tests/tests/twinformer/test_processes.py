"""Work that is shared out to processes: in order, as one process does it, and none is left over."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import getoutput
from unittest import mock

import pytest

import twinformer
from twinformer import processes
from twinformer.processes import BYTES, EACH, ProcessDied, mapped_by, useful

ROOT = Path(twinformer.__file__).parents[1]
WAITING = """
import time
from twinformer.processes import mapped_by
with mapped_by(2) as mapped:
    print(*mapped(abs, [-1, -2]), flush=True)
    list(mapped(time.sleep, [600, 600]))
"""


def test_results_come_in_the_order_of_the_things() -> None:
    with mapped_by(2) as mapped:
        assert list(mapped(abs, range(-9, 0))) == list(range(9, 0, -1))


def test_one_process_is_this_one_and_two_are_others() -> None:
    with mapped_by(1) as mapped:
        assert list(mapped(getoutput, ["echo $PPID"])) == [str(os.getpid())]
    with mapped_by(2) as mapped:
        assert str(os.getpid()) not in list(mapped(getoutput, ["echo $PPID"] * 4))


def test_an_error_is_the_one_that_one_process_would_raise() -> None:
    with mapped_by(2) as mapped, pytest.raises(ValueError, match="invalid literal for int"):
        list(mapped(int, ["1", "x"]))


def test_a_process_that_dies_is_told() -> None:
    with mapped_by(2) as mapped, pytest.raises(ProcessDied, match="one of 2 processes that share the work"):
        list(mapped(os._exit, [9, 9]))


@pytest.fixture
def waiting() -> Iterator["subprocess.Popen[str]"]:
    """A process whose two others wait for ten minutes."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING], cwd=ROOT, start_new_session=True, restore_signals=True, **pipes
    )
    assert process.stdout is not None and process.stdout.readline() == "1 2\n"
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def left(group: int) -> bool:
    """Whether any process of a group is there, ten seconds on."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


def test_ctrl_c_ends_all_and_one_process_says_so(not_ignored: None, waiting: "subprocess.Popen[str]") -> None:
    os.killpg(waiting.pid, signal.SIGINT)  # as a terminal does
    _, said = waiting.communicate(timeout=20)
    assert said.count("Traceback") == 1 and said.rstrip().endswith("KeyboardInterrupt")
    assert not left(waiting.pid)


def test_they_end_with_a_process_that_is_killed(waiting: "subprocess.Popen[str]") -> None:
    waiting.kill()
    waiting.wait()
    assert not left(waiting.pid)


def test_there_are_as_many_as_cores_memory_and_things_allow() -> None:
    with (
        mock.patch.object(os, "sched_getaffinity", lambda _: range(4), create=True),
        mock.patch.object(processes, "glob", lambda pattern: []),
        mock.patch.object(processes, "memory", lambda: 3.5 * BYTES),
    ):
        assert [useful(EACH * n) for n in (0, 1, 2, 3, 9)] == [1, 1, 2, 3, 3]


def test_an_accelerator_has_one_process() -> None:
    with mock.patch.object(processes, "glob", lambda pattern: ["/dev/nvidia0"] * ("nvidia" in pattern)):
        assert useful(1000) == 1
