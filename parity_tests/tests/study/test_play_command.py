"""``twinformer play``: each experiment from a command line to what is printed and written."""

import json
import time
from pathlib import Path

import pytest

import data
from data.sets.datasets import DATASETS
from parity_tests.tests.study.playing import made
from parity_tests.tests.study.test_attention import TEXTS
from parity_tests.tests.study.test_play_shots import SETS
from study.play.sorting import TASK
from study.play.tables import visible
from twinformer import cli


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> str:
    tokenizer = data.train_bpe([*TEXTS, *SETS.train.texts[:9], TASK, "Topic: red"], 320)
    return str(made(tmp_path_factory.mktemp("runs") / "[bold]gpt", tokenizer, max_positions=64))


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert cli.status(["play", *arguments]) == status
    found = capsys.readouterr()
    return " ".join((found.err if status else found.out).split())


def test_bits_of_two_runs(gpt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("sys.argv", ["/bin/twinformer", "play", "bits", "a run"])
    (tmp_path / "a.txt").write_text("the dog barked [red]loudly[/red]", "utf-8")
    out = tmp_path / "deep" / "bits.json"
    what = (
        "--text",
        "the cat [/x] sat",
        "--file",
        str(tmp_path / "a.txt"),
        "--stride",
        "9",
        "--out",
        str(out),
    )
    told = said(capsys, "bits", gpt, gpt, *what, "--framework", "torch")
    assert told.count("[bold]gpt") == 3 and "compare models by bits a byte" in told
    found = json.loads(out.read_text())
    assert found["command"] == "twinformer play bits 'a run'" and found["runs"][0] == found["runs"][1]
    assert found["runs"][0]["bytes"] == 16 + 32 and found["cuts"][0]["tokens"] == 48
    assert f"{found['runs'][0]['bits_per_byte']:.3f}" in told


def test_shots_with_their_control(
    gpt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.setitem(DATASETS, "marked", lambda folder: SETS)
    out = tmp_path / "shots.json"
    asked = ("shots", gpt, "--data", "marked", "--texts", "6", "--words", "3", "--framework", "torch")
    told = said(capsys, *asked, "-k", "0", "1", "--out", str(out))
    assert "their own" in told and "shuffled" in told and "6 texts" in told and "by chance 33.3%" in told
    found = json.loads(out.read_text())["ways"]
    ways = [(way["examples"], way["shuffled"], way["calibrated"]) for way in found]
    assert ways == [(k, own, how) for k, own in ((0, False), (1, False), (1, True)) for how in (False, True)]
    assert all(way["interval"][0] <= way["accuracy"] <= way["interval"][1] for way in found)
    assert "at most" in said(capsys, *asked, "-k", "50", status=2)


def test_sorting_with_its_control(gpt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sort.json"
    asked = ("sort", gpt, "--lists", "3", "--length", "3", "--framework", "torch")
    told = said(capsys, *asked, "-k", "0", "1", "--out", str(out))
    assert "finds it likeliest" in told and "by chance 16.7%" in told and "Sort the numbers." in told
    assert [(way["examples"], way["shuffled"]) for way in json.loads(out.read_text())["ways"]] == [
        (0, False),
        (1, False),
        (1, True),
    ]
    assert "at most" in said(capsys, *asked, "-k", "50", status=2)


def test_a_score_marks_the_words(gpt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("page.html", "figures.json"):
        out = tmp_path / name
        asked = (
            "score",
            gpt,
            "the [red]cat[/red] sat",
            "--under",
            "a [/b]",
            "--under",
            "",
            "--out",
            str(out),
        )
        told = said(capsys, *asked, "--framework", "torch")
        assert "the [red]cat[/red] sat" in told and "a [/b]" in told and "(nothing)" in told and out.exists()
    assert len(json.loads((tmp_path / "figures.json").read_text())["words"]) == 3
    assert "which has no words" in said(capsys, "score", gpt, "  ", "--under", "a", "--under", "b", status=2)


def test_a_multiverse_as_page_and_as_json(
    gpt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("page.html", "tree.json"):
        asked = ("multiverse", gpt, "the [/x] cat", "--branch", "2", "--depth", "2", "--threshold", "0")
        told = said(capsys, *asked, "--out", str(tmp_path / name), "--framework", "torch")
        assert "4 branches have" in told and "tokens alike" in told
    found = json.loads((tmp_path / "tree.json").read_text())
    assert found["leaves"] + found["pruned"] == pytest.approx(1.0, abs=1e-12)
    assert found["prompt"] == "the [/x] cat" and len(found["root"]["children"]) == 2


def test_what_does_not_fit_is_refused_before_a_framework_works(
    gpt: str, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.setattr("train.runs.load.load", lambda *given: pytest.fail("the run was opened"))
    begun = time.perf_counter()
    assert "the model has 64 positions" in said(
        capsys, "score", gpt, "the cat " * 40, "--under", "a", "--under", "b", status=2
    )
    assert "room for" in said(capsys, "multiverse", gpt, "the cat " * 40, status=2)
    assert "--stride 65: give 1 up to 64" in said(capsys, "bits", gpt, "--stride", "65", status=2)
    assert "which has no words" in said(capsys, "bits", gpt, "--text", " ", status=2)
    assert "No such file" in said(capsys, "bits", gpt, "--file", "nowhere.txt", status=2)
    assert "unknown data set 'ag_newz'" in said(capsys, "shots", gpt, "--data", "ag_newz", status=2)
    assert time.perf_counter() - begun < 3.0


def test_an_unfinished_run_is_told(gpt: str, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr("train.runs.used.unfinished", lambda folder: True)
    monkeypatch.setattr("train.runs.used.steps_saved", lambda folder: {"jax": 7})
    assert cli.status(["play", "multiverse", gpt, "the", "--depth", "1", "--framework", "torch"]) == 0
    assert "[bold]gpt is unfinished (steps saved: 7 in jax)" in capsys.readouterr().err


def test_a_terminal_is_told_no_orders() -> None:
    assert visible("a\x1b[31m\nb\u202e [red]").plain == "a\\x1b[31m↵b\\u202e [red]"
