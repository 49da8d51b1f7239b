"""docs/questions.md has the figures of the record."""

import json
from pathlib import Path

DOCS = Path(__file__).parents[4] / "docs"


def test_the_page_has_the_records_figures() -> None:
    record = json.loads((DOCS / "records" / "question-weights.json").read_text("utf-8"))
    page = (DOCS / "questions.md").read_text("utf-8")
    assert record["command"] in page
    found = {(run["name"], run["task"]): run for run in record["runs"]}
    for name in record["parity"]:
        digits, text = found[name, "digits"], found[name, "text"]
        figures = f"{digits['loss']:.3f} | {digits['accuracy']:.3f} | {text['loss']:.3f}"
        assert f"| {name} | {figures} | {text['parameters']:,} |" in page
        assert record["parity"][name]["largest_error"] < 1e-11
