"""A folder gets all of its files or none, whatever the disk does and whoever else is there."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests.tests.train.failing_disk import KINDS, failing
from train.runs.errors import RunError
from train.runs.filling import filling
from train.runs.used import ASIDE

NAMES = ["a.json", "b", "c"]


def fill(folder: Path) -> None:
    with filling(folder) as aside:
        for name in NAMES:
            (aside / name).write_text(name)


def test_the_files_are_there_at_the_end_and_not_before(tmp_path: Path) -> None:
    with filling(tmp_path / "new" / "out") as aside:
        (aside / "a").write_text("a")
        assert not (tmp_path / "new" / "out" / "a").exists()
    assert [path.name for path in (tmp_path / "new" / "out").iterdir()] == ["a"]


def test_an_empty_folder_is_filled_and_stays_itself(tmp_path: Path) -> None:
    """It may be the one that somebody is in, or where a disk is mounted."""
    number = tmp_path.stat().st_ino
    fill(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES and tmp_path.stat().st_ino == number


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_of_what_fails(error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error), filling(tmp_path / "out") as aside:
        (aside / "a").write_text("a")
        raise error
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
@pytest.mark.parametrize("number", KINDS)
def test_a_disk_that_fails_leaves_all_or_nothing_and_says_where(number: int, tmp_path: Path) -> None:
    with failing(tmp_path, None) as disk:
        fill(tmp_path / "counted")
    assert disk.operations > 12
    for at in range(1, disk.operations + 1):
        out = tmp_path / f"out {at}"
        try:
            with failing(tmp_path, at, number):
                fill(out)
        except OSError as error:
            assert error.errno == number and str(tmp_path) in error.filename, at
            assert not [path.name for path in out.glob("*") if path.name in NAMES], at
            fill(out)
        assert sorted(path.name for path in out.glob("[a-z]*") if path.name in NAMES) == NAMES, at


def test_a_process_that_is_killed_leaves_what_the_next_one_clears(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom train.runs.filling import filling\n"
        "with filling(Path(sys.argv[1])) as aside:\n"
        "    (aside / 'a').write_text('old')\n    print('here', flush=True)\n    time.sleep(60)\n"
    )
    out = tmp_path / "out"
    with subprocess.Popen([sys.executable, "-c", code, out], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "here\n"
        with pytest.raises(RunError, match="is being written by process"):
            fill(out)
        process.send_signal(signal.SIGKILL)
    assert (out / ASIDE / "a").is_file()
    fill(out)
    assert sorted(path.name for path in out.iterdir()) == NAMES


def test_a_used_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(RunError, match="is not empty"):
        fill(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
