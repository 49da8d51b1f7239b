"""A folder has one owner; one that died leaves no lock."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from train.runs.lock import LOCK, OWNER, owned
from train.runs.used import RunError
from twinformer import cli

HOLD = """
import sys, time
from pathlib import Path
from train.runs.lock import owned
with owned(Path(sys.argv[1])):
    print("owned", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path):
    """Another process that owns a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "run"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "owned\n"
    yield process
    process.kill()
    process.communicate()


def test_another_owner_is_named_and_nothing_is_touched(other, tmp_path: Path, capsys) -> None:
    refused = pytest.raises(RunError, match=rf"is being written by process {other.pid} on .* since ")
    with refused as caught, owned(tmp_path / "run"):
        pass
    assert "give another folder" in str(caught.value)
    small = ["train", "classifier-embedded", "--framework", "torch", "--skip-parity", "--steps", "1"]
    assert cli.status([*small, "--out", str(tmp_path / "run")]) == 2
    assert f"process {other.pid}" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "run").iterdir()} == {LOCK, OWNER}


def test_what_a_dead_owner_left_is_taken_over(other, tmp_path: Path) -> None:
    other.kill()
    other.wait()
    assert {path.name for path in (tmp_path / "run").iterdir()} == {LOCK, OWNER}
    with owned(tmp_path / "run"):
        assert json.loads((tmp_path / "run" / OWNER).read_text())["pid"] != other.pid
    assert not (tmp_path / "run").exists()  # nothing was written into it


def test_many_at_once_have_one_winner(tmp_path: Path) -> None:
    """Four processes that reach for one folder at the same moment."""
    code = HOLD.replace("time.sleep(60)", "sys.stdin.read()")
    each = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in each:  # losers end; the winner waits for the end of its input
        assert process.stdout is not None
        process.stdout.readline()
    winners = [process for process in each if process.poll() is None]
    for process in each:
        process.communicate()
    assert sum(process.returncode == 0 for process in each) == 1, winners


def test_a_refused_start_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError), owned(tmp_path / "new" / "run"):
        raise ValueError
    assert not (tmp_path / "new" / "run").exists()
