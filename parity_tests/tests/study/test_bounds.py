"""What the field's bounds let pass: the command, and the record that docs/tolerances.md is written from."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread
from rich.console import Console

from parity_tests.twins import field_results
from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.field_bounds import Close, Rule
from study.bounds import study as bounds
from train.config import ConfigError
from train.proof.training_defects import TRAINING_DEFECTS
from twinformer import cli
from twinformer.commands.parity import Parity

DOCS = Path(__file__).parents[3] / "docs"
RECORD = json.loads((DOCS / "records" / "parity-field.json").read_text("utf-8"))
FEW = ("layer norm: eps 1e-6 for 1e-5", "attention: softmax over the queries")


@pytest.fixture
def few_defects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "DEFECTS", [one for one in DEFECTS if one.name in FEW])


@pytest.mark.usefixtures("few_defects")
def test_the_command_prints_records_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"json": tmp_path / "new" / "field.json", "plot": tmp_path / "field.png"}
    line = ["parity", "--defects", "--field"]
    line += [f"--{name}={path}" for name, path in files.items()]
    assert cli.status(line) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "rtol 1e-3, atol 5e-2 1 layer" in said and "of 2 defects" in said
    record = json.loads(files["json"].read_text())
    assert {"command", "versions", "machine", "date"} < record.keys()
    assert [one["name"] for one in record["defects"]] == list(FEW)
    assert all(rule["unnoticed"] == [FEW[0]] for rule in record["rules"])
    assert record["ours"]["unnoticed"] == record["refused"] == []
    assert imread(files["plot"]).std() > 0.05


@pytest.mark.usefixtures("few_defects")
def test_a_rule_that_refuses_the_healthy_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        field_results, "RULES", (Rule("nobody", "bits", Close(0.0, 0.0), "no/body", "none.py"),)
    )
    assert bounds.study(None, None, Console(width=100)) == 1
    assert "nobody: bits: refuses a model without a defect" in capsys.readouterr().out


def test_a_defect_that_we_miss_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    (dropout,) = [one for one in DEFECTS if one.name == "dropout: one mask for all heads"]
    monkeypatch.setattr(bounds, "DEFECTS", [replace(dropout, in_training=False)])
    assert bounds.study(None, None, Console(quiet=True)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"field": True}, "field=True: goes with --defects only"),
        ({"field": True, "steps": 3}, "field=True: goes with --defects only"),
        ({"defects": True, "field": True, "seed": 3}, "seed=3: --field goes with --json and --plot only"),
        ({"defects": True, "plot": Path("x.png")}, "plot=x.png: --defects goes with --json only"),
        ({"defects": True, "field": True, "plot": Path("x.txt")}, "plot=x.txt: give a name that ends with"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Parity(**options).carry_out(Console(quiet=True))


def test_the_record_has_all_rules_and_defects_as_they_are_now() -> None:
    rules, now = RECORD["rules"], bounds.figures([])["rules"]
    assert [rule | {"unnoticed": []} for rule in rules] == now
    assert sorted(one["name"] for one in RECORD["defects"]) == sorted(one.name for one in DEFECTS)
    assert RECORD["refused"] == RECORD["ours"]["unnoticed"] == []


def test_the_verdicts_follow_from_the_errors() -> None:
    assert max(one["healthy"] for one in RECORD["defects"]) < 2e-6
    for rule in RECORD["rules"]:
        for one in RECORD["defects"] if "atol" in rule else ():
            passes, error = one["name"] in rule["unnoticed"], one["injected"]
            assert passes or error > rule["atol"]
            assert not passes or error <= rule["atol"] + rule["rtol"] * (one["magnitude"] + error)


def test_the_page_has_the_records_figures() -> None:
    page = (DOCS / "tolerances.md").read_text("utf-8")
    assert f"```\n{RECORD['command']}\n```" in page
    assert "](records/parity-field.json)" in page and "](defects_bounds.png)" in page
    assert f"{len(RECORD['defects'])} defects in the\nmodels" in page
    assert f"The {len(TRAINING_DEFECTS)} defects of the training loop" in page
    for rule in RECORD["rules"]:
        link = f"[{rule['repository']}](https://github.com/{rule['repository']}), `{rule['file']}`"
        row = [f"{rule['project']}, {rule['compares']}", rule["bound"], str(len(rule["unnoticed"])), link]
        assert f"| {' | '.join(row)} |" in page, row
