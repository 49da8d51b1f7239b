"""The list of runs: their figures and states, what cannot be read, and how long it takes."""

import json
import os
import platform
import shutil
import time
from pathlib import Path

import pytest

from parity_tests.tests.twinformer.test_command import SMALL
from train.runs.listing import Listed, found, listed
from train.runs.lock import OWNER, is_owned, owned
from twinformer import cli

OLD = Path(__file__).parent / "fixtures" / "v0.1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the command, finished."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    assert cli.status([*SMALL, "--text.batch", "16", "--out", str(run)]) == 0
    return run


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    """A copy of its own, two folders down."""
    return Path(shutil.copytree(whole, tmp_path / "runs" / "polarity" / "0"))


def only(folder: Path) -> Listed:
    (row,), broken = listed(folder)
    assert broken == []
    return row


def test_the_figures_are_the_report_s(run: Path, tmp_path: Path) -> None:
    report = json.loads((run / "torch" / "report.json").read_text())
    row = only(tmp_path)
    assert (row.run, row.state, row.framework) == (str(run), "finished", "torch")
    assert (row.family, row.data) == ("classifier", "embedded")
    assert (row.steps, row.planned, row.seconds) == (6, 6, report["seconds"])
    assert row.tokens_per_second == report["speed"]["tokens_per_second"] > 0
    assert row.test == report["trained"]
    assert row.validation == {"step": 6, **report["validation"]}


def test_the_best_validation_is_that_of_the_smallest_loss(run: Path, tmp_path: Path) -> None:
    with (run / "torch" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9, "validation_loss": 0.25, "validation_accuracy": 0.5}\n')
        file.write('{"step": 19, "validation_loss": 0.5, "validation_accuracy": 0.75}\n')
        file.write('{"step": 29, "validation_loss": 0.1')  # cut off
    row = only(tmp_path)
    assert row.validation == {"step": 10, "loss": 0.25, "accuracy": 0.5}
    assert row.state == "changed"


@pytest.mark.parametrize("name", ["config.json", "torch/metrics.jsonl", "torch/speed.jsonl", "curves.png"])
def test_a_file_that_is_another_makes_a_run_changed(name: str, run: Path, tmp_path: Path) -> None:
    with (run / name).open("a") as file:
        file.write(" \n")
    assert only(tmp_path).state == "changed"


def test_weights_are_left_to_verify(run: Path, tmp_path: Path) -> None:
    (run / "torch" / "checkpoint.safetensors").write_bytes(b"")
    assert only(tmp_path).state == "finished"
    assert cli.status(["verify", str(run)]) == 1


def test_an_interrupted_run_says_what_is_saved(run: Path, tmp_path: Path) -> None:
    for name in ("report.json", "torch/report.json"):
        (run / name).unlink()
    row = only(tmp_path)
    assert (row.state, row.steps, row.planned, row.seconds, row.test) == ("interrupted", 6, 6, None, None)
    assert row.validation is not None and row.tokens_per_second is not None
    with owned(run):
        assert only(tmp_path).state == "running"
    assert only(tmp_path).state == "interrupted"


@pytest.mark.parametrize(
    ("owner", "there"),
    [
        ({"pid": os.getpid(), "host": platform.node()}, True),
        ({"pid": 2**30, "host": platform.node()}, False),  # killed, and no system counts so far
        ({"pid": 2**80, "host": platform.node()}, False),
        ({"pid": "1", "host": platform.node()}, False),
        ({"pid": 2**30, "host": "another machine"}, True),
        ({}, False),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="there, asking for a process would end it")
def test_a_folder_is_owned_while_its_process_is_there(
    owner: dict[str, object], there: bool, tmp_path: Path
) -> None:
    (tmp_path / OWNER).write_text(json.dumps(owner))
    assert is_owned(tmp_path) == there


def test_runs_are_found_wherever_they_lie_and_once(run: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "runs" / ".venv"
    shutil.copytree(run, hidden / "run")
    shutil.copytree(run, run / "inside")  # of a run, which is not looked into
    (tmp_path / "runs" / "back").symlink_to(tmp_path / "runs")
    (tmp_path / "runs" / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "there").symlink_to(run)
    assert list(found(tmp_path / "runs")) == [run]
    assert list(found(tmp_path / "linked")) == [tmp_path / "linked" / "there"]
    assert list(found(run)) == [run]


def test_runs_of_version_0_1_and_imported_ones_are_listed(tmp_path: Path) -> None:
    shutil.copytree(OLD, tmp_path / "old")
    imported = tmp_path / "imported"
    shutil.copytree(OLD / "gpt", imported)
    shutil.rmtree(imported / "jax")
    (imported / "config.json").unlink()
    rows, broken = listed(tmp_path)
    assert broken == []
    states = {Path(row.run).name: (row.family, row.framework, row.state) for row in rows}
    assert states["gpt"] == ("gpt", "jax", "interrupted") and states["bert"][1] == "torch"
    assert states["imported"] == ("gpt", None, "imported")


def test_the_newest_comes_first(run: Path, tmp_path: Path) -> None:
    newer = Path(shutil.copytree(run, tmp_path / "newer"))
    later = time.time() + 3600
    for path in newer.rglob("*"):
        os.utime(path, (later, later))
    assert [row.run for row in listed(tmp_path)[0]] == [str(newer), str(run)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("config.json", "{", "config.json is damaged"),
        ("run.json", "[]", "run.json is damaged"),
        ("torch/report.json", '{"steps": "many"}', "cannot be read"),
        ("torch/report.json", '{"steps": 6, "seconds": 1, "trained": [1]}', "cannot be read"),
        ("torch/metrics.jsonl", '{"step": 0, "validation_loss": NaN}\n', "cannot be read"),
        ("torch/metrics.jsonl", '{"validation_loss": 1.0}\n', "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named_in_a_line_and_stops_nothing(
    name: str, text: str, said: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shutil.copytree(run, tmp_path / "broken") / name).write_text(text)
    assert cli.status(["runs", str(tmp_path), "--json"]) == 0
    told = capsys.readouterr()
    assert [row["run"] for row in json.loads(told.out)["runs"]] == [str(run)]
    assert said in told.err and str(tmp_path / "broken") in told.err and told.err.count("\n") == 1


def test_the_table(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    assert cli.status(["runs", str(tmp_path)]) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["run", "model", "steps"]
    accuracy = json.loads((run / "torch" / "report.json").read_text())["trained"]["accuracy"]
    assert line.split()[:4] == ["runs/polarity/0", "classifier", "embedded", "6"]
    assert f"{accuracy:.1%}" in line and line.split()[-2:] == ["finished", "torch"]
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.status(["runs", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for word in ("classifier", "embedded", "torch", f"{accuracy:.1%}", "finished"):
        assert word in told
    assert max(map(len, told.splitlines())) <= 80
    assert "".join(line[:8].strip() for line in told.splitlines()).startswith("runruns/pol")


def test_a_folder_without_runs_and_one_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.status(["runs", str(tmp_path)]) == 0
    assert "No runs in" in capsys.readouterr().out
    assert cli.status(["runs", str(tmp_path / "none")]) == 2
    assert "is no folder: give the one that holds runs" in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("unchecked")  # checks of annotations would be most of it
def test_a_hundred_runs_take_less_than_a_second(run: Path, tmp_path: Path) -> None:
    """Of the processor, since others may share it."""
    for number in range(99):
        shutil.copytree(run, tmp_path / str(number), copy_function=os.link)
    begun = time.process_time()
    rows, broken = listed(tmp_path)
    assert time.process_time() - begun < 1.0
    assert len(rows) == 100 and broken == []
