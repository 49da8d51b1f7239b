"""The records of docs/records: milestones follow from curves, and docs/study.md has their figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from study.grok.milestones import RESTRICTED, TEST_90, TEST_95, TEST_LOSS, TRAIN, Spread, milestones
from study.grok.study import SEEDS, summary

DOCS = Path(__file__).parents[3] / "docs"
RECORDS = sorted((DOCS / "records").glob("grok-*.json"))


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_milestones_follow_from_the_curves(path: Path) -> None:
    record = read(path)
    for run in record["runs"]:
        assert run["milestones"] == milestones(run["curve"], run["settings"]["prime"])
    assert record["summary"] == summary(record["runs"])
    assert record["parity"]["largest_error"] < 1e-11


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_the_restricted_loss_falls_before_the_test_loss_does(path: Path) -> None:
    for run in read(path)["runs"]:
        if run["name"] == SEEDS:
            assert run["milestones"][RESTRICTED] < run["milestones"][TEST_LOSS]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_the_page_has_the_records_figures(path: Path) -> None:
    record, page = read(path), (DOCS / "study.md").read_text("utf-8")
    assert record["command"] in page and path.name in page
    for spreads in record["summary"].values():
        for name in (TRAIN, TEST_90, TEST_95):
            assert str(Spread(**spreads[name])) in page, (path.name, name)


def test_the_default_run_generalises_where_it_was_asked_to() -> None:
    record = read(DOCS / "records" / "grok-97.json")
    assert 1500 <= record["summary"]["jax"][TEST_95]["median"] <= 2500
    controls = {run["name"]: run["milestones"] for run in record["runs"] if run["name"] != SEEDS}
    assert controls["weight decay 0"][TEST_95] is None is controls["random labels"][TEST_95]
    assert controls["weight decay 0"][TRAIN] is not None is not controls["random labels"][TRAIN]
