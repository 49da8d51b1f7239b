"""Every defect injected in training is found, at the step and the quantity that it touches first."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from parity_tests.core.defect_results import DefectResult, all_found, print_defect_results
from parity_tests.twins.defects import DEFECTS
from train.config import ConfigError
from train.proof import parity
from train.proof.training_defects import TRAINING_DEFECTS, healthy_error, try_training_defect
from twinformer.commands.parity import Parity


@pytest.mark.usefixtures("unchecked")  # hundreds of steps of what others check
@pytest.mark.parametrize("defect", TRAINING_DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_detected_and_located_and_leaves_nothing_behind(defect):
    result = try_training_defect(defect)
    assert result.healthy < 1e-12 and result.bound == 1e-9
    assert result.detected and result.found == result.located
    assert result.injected > 100 * result.bound
    assert healthy_error(defect) == result.healthy


GROSS = ("optimizer: no bias correction", "schedule: no warm-up", "resuming: moments not restored")


@pytest.mark.parametrize("defect", [d for d in TRAINING_DEFECTS if d.name in GROSS], ids=lambda d: d.name)
def test_the_bound_of_float32_is_passed_by_gross_defects(defect):
    result = try_training_defect(defect, "float32")
    assert result.bound == 1e-2 and result.healthy < 0.1 * result.bound
    assert result.detected and result.found.split(":")[0] == result.located.split(":")[0]


def result(found: str | None, healthy: float = 0.0) -> DefectResult:
    return DefectResult("a defect", healthy, 1.0, 1e-9, found, "here")


def test_what_counts_as_found(capsys):
    assert all_found([result("here")] * 9)
    assert not all_found([result("here")] * 9 + [result("there")])
    assert not all_found([result("here")] * 9 + [result(None)])
    assert not all_found([result("here", healthy=1e-8)])  # whatever parts without the defect shows nothing
    print_defect_results([result("here"), result("there"), result(None)], Console(width=100))
    printed = capsys.readouterr().out
    assert "there (injected at here)" in printed and "UNDETECTED" in printed
    assert "2 of 3 defects detected, 1 found where they were injected" in printed


def test_the_command(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(parity, "DEFECTS", DEFECTS[:2])
    monkeypatch.setattr(parity, "TRAINING_DEFECTS", TRAINING_DEFECTS[:1])
    assert Parity(defects=True, json=tmp_path / "defects.json").carry_out(Console(width=120)) == 0
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
        Parity(**options).carry_out(Console(quiet=True))


def test_trajectories_by_command(tmp_path: Path, capsys):
    files = {"json": tmp_path / "new" / "gpt.json", "plot": tmp_path / "gpt.png"}
    assert Parity("gpt", steps=10, switch=5, seed=3, **files).carry_out(Console(width=100)) == 0
    assert "for 10 steps in float64" in capsys.readouterr().out
    (written,) = json.loads(files["json"].read_text())["trajectories"]
    assert written["problems"] == [] and len(written["steps"]) == 10
    assert files["plot"].stat().st_size > 10_000
