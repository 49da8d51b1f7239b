"""Every defect planted in training is found, at the step and the quantity that it touches first."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from parity_tests.core.defect_results import Trial, all_found, print_trials
from parity_tests.twins.defects import DEFECTS
from train.cli import Parity, run
from train.config import ConfigError
from train.proof import parity
from train.proof.training_defects import TRAINING_DEFECTS, try_training_defect


@pytest.mark.parametrize("defect", TRAINING_DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_detected_and_located_and_leaves_nothing_behind(defect):
    trial = try_training_defect(defect)
    assert trial.healthy < 1e-12 and trial.bound == 1e-9
    assert trial.detected and trial.found == trial.located
    assert trial.planted > 100 * trial.bound
    assert try_training_defect(defect).healthy == trial.healthy


GROSS = ("optimizer: no bias correction", "schedule: no warm-up", "resuming: moments not restored")


@pytest.mark.parametrize("defect", [d for d in TRAINING_DEFECTS if d.name in GROSS], ids=lambda d: d.name)
def test_the_bound_of_float32_is_passed_by_gross_defects(defect):
    trial = try_training_defect(defect, "float32")
    assert trial.bound == 1e-2 and trial.healthy < 0.1 * trial.bound
    assert trial.detected and trial.found.split(":")[0] == trial.located.split(":")[0]


def trial(found: str | None, healthy: float = 0.0) -> Trial:
    return Trial("a defect", healthy, 1.0, 1e-9, found, "here")


def test_what_counts_as_found(capsys):
    assert all_found([trial("here")] * 9)
    assert not all_found([trial("here")] * 9 + [trial("there")])
    assert not all_found([trial("here")] * 9 + [trial(None)])
    assert not all_found([trial("here", healthy=1e-8)])  # whatever parts without the defect shows nothing
    print_trials([trial("here"), trial("there"), trial(None)], Console(width=100))
    printed = capsys.readouterr().out
    assert "there (planted at here)" in printed and "UNDETECTED" in printed
    assert "2 of 3 defects detected, 1 found where they were planted" in printed


def test_the_command(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(parity, "DEFECTS", DEFECTS[:2])
    monkeypatch.setattr(parity, "TRAINING_DEFECTS", TRAINING_DEFECTS[:1])
    assert run(Parity(defects=True, json=tmp_path / "defects.json"), Console(width=120)) == 0
    assert "3 of 3 defects detected, 3 found" in capsys.readouterr().out
    written = json.loads((tmp_path / "defects.json").read_text())
    assert written["passed"] and written["defects"][0]["name"] == DEFECTS[0].name
    assert written["defects"][2]["found"] == "step 1: blocks_0/attention_norm/scale"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 3, "name": "gelu"}, "'gelu' is not trained: with --steps, choose all, classifier"),
        ({"steps": 3, "dtype": ("bfloat16",)}, "step by step in float64 and float32"),
        ({"steps": 1}, "steps=1: give 2 or more"),
        ({"steps": 3, "switch": 0}, "switch=0: give 1 or more"),
        ({"steps": 3, "switch": 3}, "switch=3: .* less than steps=3"),
        ({"switch": 3}, "switch=3: goes with --steps only"),
        ({"steps": 3, "html": Path("page.html")}, "trajectories have --plot and --json"),
        ({"defects": True, "steps": 3}, "steps=3: --defects goes with --json only"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(ConfigError, match=message):
        run(Parity(**options), Console(quiet=True))


def test_trajectories_by_command(tmp_path: Path, capsys):
    files = {"json": tmp_path / "new" / "gpt.json", "plot": tmp_path / "gpt.png"}
    assert run(Parity("gpt", steps=10, switch=5, seed=3, **files), Console(width=100)) == 0
    assert "for 10 steps in float64" in capsys.readouterr().out
    (written,) = json.loads(files["json"].read_text())["trajectories"]
    assert written["problems"] == [] and len(written["steps"]) == 10
    assert files["plot"].stat().st_size > 10_000
