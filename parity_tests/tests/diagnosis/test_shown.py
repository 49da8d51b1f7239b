"""Where what was found is shown: in the report, in JSON, and on the page; and how soon."""

import json

from parity_tests.pair import compare
from parity_tests.tests.diagnosis import setups, torch_models
from parity_tests.tests.diagnosis.catalogue import ALIKE, MISTAKES, run

TANH = next(mistake for mistake in MISTAKES if mistake.name == "tanh GELU")


def test_a_finding_is_shown_everywhere():
    comparison = run(TANH, "torch")
    (finding,) = comparison.findings
    assert f"likely cause: {finding.text}" in " ".join(str(comparison).split())
    assert f"<b>Likely cause:</b> {finding.text}." in comparison.to_html()
    report = json.loads(json.dumps(comparison.to_json()))
    difference = {"what": "activation", "theirs": "tanh GELU", "ours": "exact GELU"}
    assert report["findings"] == [
        {"places": ["what down reads"], "explanations": [[difference]], "text": finding.text}
    ]


def test_where_nothing_is_wrong_nothing_is_said():
    model = torch_models.reference("Heads", setups.Heads())
    comparison = compare(model, model, setups.VECTORS, ALIKE)
    assert comparison.passed and comparison.findings == [] and "likely cause" not in str(comparison)
    assert comparison.to_json()["findings"] == []


def test_float32_runs_are_diagnosed_too():
    model = torch_models.reference("Encoder", setups.Encoder())
    other = torch_models.Encoder(setups.Encoder(activation="relu"))
    comparison = compare(model, other, setups.TEXT, ALIKE, dtype="float32")
    (finding,) = comparison.findings
    assert "comes through ReLU" in finding.text
