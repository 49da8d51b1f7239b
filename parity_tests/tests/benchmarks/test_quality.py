"""What the models reach: reports as rows of a record, rows as a table, and the page as the record says."""

import json

import pytest

from benchmarks import quality
from benchmarks.quality import BEGIN, PAGE, RESULT, accuracy, read, reports_in, table


def run(folder, seed, right):
    """A run that has ended, in the fields that are read."""
    folder.mkdir(parents=True)
    scores = {"loss": 0.5, "accuracy": right}
    report = {"data": "polarity", "parameters": 9, "seconds": 12.4 + seed, "tf_idf": {"accuracy": 0.75}}
    report |= {"trained": scores, "validation": {"loss": 0.4, "accuracy": right - 0.01}}
    (folder / "report.json").write_text(json.dumps({"jax": report}), "utf-8")
    (folder / "config.json").write_text(json.dumps({"seed": seed}), "utf-8")
    (folder / "jax").mkdir()
    (folder / "jax" / "report.json").write_text(json.dumps(report), "utf-8")


def test_seeds_are_put_together_with_their_standard_error(tmp_path):
    for seed, right in enumerate((0.78, 0.80, 0.82)):
        run(tmp_path / "polarity" / str(seed), seed, right)
    row = read(reports_in(tmp_path / "polarity"))
    assert (row["seeds"], row["seconds"]) == ([0, 1, 2], [12, 13, 14])
    assert accuracy(row, "trained") == "80.0 ± 1.2"
    assert accuracy(row, "validation") == "79.0 ± 1.2"
    assert "| **80.0 ± 1.2** | 0, 1, 2 | 79.0 ± 1.2 | 75.0 | 14 |" in table({"polarity": row})


def test_one_run_is_read_and_one_that_has_not_ended_is_not(tmp_path):
    run(tmp_path / "minilm", 4, 0.85)
    assert accuracy(read(reports_in(tmp_path / "minilm")), "trained") == "85.0"
    (tmp_path / "minilm" / "report.json").unlink()
    assert reports_in(tmp_path / "minilm") == []


def test_what_was_not_run_again_stays_in_the_record(tmp_path, monkeypatch):
    page, result = tmp_path / "results.md", tmp_path / "quality.json"
    page.write_text(f"before\n{BEGIN}old\n<!-- end -->\nafter\n", "utf-8")
    monkeypatch.setattr(quality, "RESULT", result)
    monkeypatch.setattr(quality, "PAGE", page)
    for name, right in (("topics", 0.9), ("polarity", 0.8)):
        run(tmp_path / name / name, 0, right)
        monkeypatch.setattr("sys.argv", ["quality", str(tmp_path / name)])
        quality.main()
    assert list(json.loads(result.read_text("utf-8"))["rows"]) == ["topics", "polarity"]
    text = page.read_text("utf-8")
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text
    assert text.index("80.0") < text.index("90.0")


def test_a_folder_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr("sys.argv", ["quality", "nowhere"])
    with pytest.raises(SystemExit, match="give the folder of the runs"):
        quality.main()


def test_the_page_has_the_record_s_table():
    rows = json.loads(RESULT.read_text("utf-8"))["rows"]
    assert f"{BEGIN}{table(rows)}\n<!-- end -->" in PAGE.read_text("utf-8")
    assert {"polarity", "topics"} <= rows.keys()
