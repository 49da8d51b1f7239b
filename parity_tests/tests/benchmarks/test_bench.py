"""The instrument: its order, its figures, one tiny workload through all of it, and what it refuses."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

import benchmarks.workloads
from benchmarks.contestants import ENTRIES, Entry
from benchmarks.errors import BenchmarkError
from benchmarks.figures import rows
from benchmarks.load import Meter
from benchmarks.page import with_tables
from benchmarks.picture import LOOKS, draw, relative
from benchmarks.processes import Process
from benchmarks.record import read_all
from benchmarks.rounds import shuffled, steps_of
from benchmarks.tables import markdown
from benchmarks.workloads import WORKLOADS, Workload
from twinformer import cli

DOCS = Path(__file__).parents[3] / "docs"
RECORDS = read_all(DOCS.parent / "benchmarks" / "results")
TINY = Workload(
    name="gpt_a", kind="gpt", layers=1, embed=8, heads=2, length=8, batch=2, vocab=11
)  # under a name that records are read by


def sample(seconds: float) -> dict[str, Any]:
    return {"steps": 2, "seconds": seconds, "cpu_seconds": seconds, "others": 0.1}


def facts(*seconds: float) -> dict[str, Any]:
    about = {"parameters": 10, "first_loss": 4.2, "first_step_seconds": 5.0, "step_seconds": 1.0}
    return {**about, "memory_bytes": 2_000_000, "samples": [sample(one) for one in seconds]}


@pytest.fixture
def record() -> dict[str, Any]:
    return {
        "machine": "two CPU cores",
        "date": "2026-01-01",
        "workload": vars(WORKLOADS["gpt_a"]),
        "flops": 1e9,
        "left_out": {"keras-hub": "keras_hub not installed"},
        "doubts": [],
        "rates": [{"matmul": {"jax": 1e9, "torch": rate}, "copy": 1e9} for rate in (2e9, 2e9, 4e9)],
        "contestants": {"jax": facts(2.0, 4.0, 6.0), "nnx": facts(4.0, 4.0, 18.0)},
    }


def test_every_round_has_all_in_an_order_of_its_own() -> None:
    orders = shuffled(["a", "b", "c", "d"], 40, 3)
    assert all(sorted(order) == ["a", "b", "c", "d"] for order in orders)
    assert {order[0] for order in orders} == {"a", "b", "c", "d"}
    assert orders == shuffled(["a", "b", "c", "d"], 40, 3) != shuffled(["a", "b", "c", "d"], 40, 4)


def test_a_sample_fills_its_time_and_takes_whole_passes() -> None:
    assert [steps_of(WORKLOADS["gpt_a"], seconds) for seconds in (0.01, 0.1, 5.0)] == [30, 3, 1]
    assert [steps_of(WORKLOADS["classifier_train"], seconds) for seconds in (0.01, 5.0)] == [32, 4]


def test_figures_are_of_the_same_rounds(record: dict[str, Any]) -> None:
    ours, theirs = rows(record)
    assert (ours.name, ours.seconds.median, ours.seconds.least, ours.seconds.greatest) == ("jax", 2, 1, 3)
    assert (ours.ratio, theirs.ratio) == (1.0, 2.0)  # of 2, 1, 3: not the ratio of medians, 1
    assert theirs.seconds.median == 2.0
    assert ours.share == 0.25  # of 0.5, 0.25, 1 / 12
    assert ours.compile_seconds == 3.0 and ours.others == 0.1


def test_the_tables_say_who_is_not_there(record: dict[str, Any]) -> None:
    page = with_tables("a\n<!-- from the records -->\nold\n<!-- end -->\nb\n", [record])
    assert page.startswith("a\n") and page.endswith("\nb\n") and "old" not in page
    assert "| flax.nnx and optax | 2000 (2000 to 9000) | 2.00 | 25 % | 3.0 | 2 | 10 % |" in page
    assert "Left out: Keras Hub on JAX (keras_hub not installed)." in page


def test_bars_are_over_the_fastest_peer(record: dict[str, Any], tmp_path: Path) -> None:
    assert relative(record) == {"jax": 1.0, "nnx": 1.0}
    assert set(LOOKS) == set(ENTRIES)
    draw([record], tmp_path / "speed.png")
    assert imread(tmp_path / "speed.png").std() > 0.05


def test_the_page_is_written_from_the_records() -> None:
    page = (DOCS / "speed.md").read_text("utf-8")
    assert with_tables(page, RECORDS) == page


def test_one_workload_goes_all_the_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(benchmarks.workloads.WORKLOADS, "gpt_a", TINY)
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")  # compiling takes longer than all else
    absent = Entry("absent", "keras", ("no_such_package",), ("gpt",))
    monkeypatch.setitem(ENTRIES, "keras-hub", absent)
    line = ["bench", "gpt_a", "--against", "torch,keras-hub", "--rounds", "2", "--out", str(tmp_path / "new")]
    assert cli.status(line) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Left out: absent (no_such_package not installed: pip install 'twinformer[bench]')." in said
    (found,) = read_all(tmp_path / "new")
    assert {"command", "versions", "machine", "date"} < found.keys()
    assert set(found["contestants"]) == {"jax", "torch"} and found["doubts"] == []
    losses = [one["first_loss"] for one in found["contestants"].values()]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)  # the twins begin alike, on the same batch
    for one in found["contestants"].values():
        assert len(one["samples"]) == 2 and all(each["seconds"] > 0 for each in one["samples"])
    assert len(found["rates"]) == 2 and "gpt_a" in markdown([found])
    assert json.loads((tmp_path / "new" / "gpt_a.json").read_text()) == found


@pytest.fixture
def lost() -> Iterator[Process]:
    with Process("benchmarks.no_such_module", {}) as process:
        yield process


def test_a_process_that_ends_says_its_last_words(lost: Process) -> None:
    with pytest.raises(BenchmarkError, match="No module named"):
        lost.hear()


def test_what_this_process_did_is_not_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([(100.0, 2), (101.5, 2)])
    own = iter([10.0, 11.0])
    monkeypatch.setattr("benchmarks.load.busy_seconds", lambda: next(clock))
    monkeypatch.setattr("time.process_time", lambda: next(own))
    assert Meter().read(1.0) == {"cpu_seconds": 1.0, "others": 0.25}


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (["gpt_z"], "workloads: there is no 'gpt_z'; choose all, gpt_a"),
        (["--against", "hf-torch,jx"], "against: there is no 'jx'; choose all, torch"),
        (["--rounds", "0"], "--rounds 0: give 1 or more"),
        (["--seed", "-1"], "--seed -1: give a whole number"),
        (["--out", "/dev/null"], "--out /dev/null: /dev/null is no folder"),
    ],
)
def test_refusals(line: list[str], remedy: str, capsys: pytest.CaptureFixture[str]) -> None:
    begin = time.perf_counter()
    assert cli.status(["bench", *line]) == 2
    assert time.perf_counter() - begin < 1.0
    assert remedy in " ".join(capsys.readouterr().err.split())
