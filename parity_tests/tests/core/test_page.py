"""The page that people open: it says what the tables say, and needs nothing but itself."""

import json
import re
from contextlib import nullcontext
from html.parser import HTMLParser

import pytest
from rich.console import Console

from parity_tests.core.compare import Check
from parity_tests.core.isolate import Isolation, TapError
from parity_tests.core.page import page, percent
from parity_tests.twins.defects import DEFECTS
from twinformer.commands.parity import Parity

INF, BOUND = float("inf"), 1e-11
VOID = {"meta", "br"}


def check(model, kind, name, error=1e-16):
    return Check(model, kind, name, "float64", error, error, BOUND, error <= BOUND)


PASSED = [check("gelu", "forward", "output"), check("gelu", "input gradient", "x", 3e-16)]
FAILED = [
    check("gpt", "forward", "output", 0.5),
    check("gpt", "tap", "blocks.0/attention/scores"),
    check("gpt", "tap", "blocks.0/attention/weights", 0.25),
    check("gpt", "tap", "blocks.1/output", INF),
    check("gpt", "parameter gradient", "head/kernel", 0.125),
]
PLACES = [
    TapError("tap", "blocks.0/attention/scores", "batch key", "blocks.0", 1e-16, 0.0, BOUND, "matches"),
    TapError("tap", "blocks.0/attention/weights", "batch key", "blocks.0", 0.25, 0.25, BOUND, "diverges"),
    TapError("tap", "blocks.1/output", "batch embed", "blocks.1", INF, 2e-16, BOUND, "downstream"),
    TapError("forward", "output", "", "output", 0.5, 3e-16, BOUND, "downstream"),
]
ISOLATED = [Isolation("gpt", "float64", PLACES)]


class Reader(HTMLParser):
    """All tags, each closed in its turn, and the text of each row of the tables."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.rows, self.open, self.text = set(), [], [], [], ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def test_the_page_needs_nothing_but_itself():
    html = page([*PASSED, *FAILED], ISOLATED)
    reader = Reader(html)
    assert not reader.tags & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"https?:|//|@import|url\(", html)
    links = {value for name, value in reader.attributes if name in ("href", "src")}
    targets = {f"#{value}" for name, value in reader.attributes if name == "id"}
    assert links == targets == {"#m0", "#m1"}


def test_the_page_says_what_was_compared_and_how_it_went():
    reader = Reader(page([*PASSED, *FAILED], ISOLATED))
    assert "No parity: 4 of 7 checks failed" in reader.text
    assert "float64; allowed: 1e-11." in reader.text
    assert re.search(r"jax \d.*, torch \d", reader.text)
    assert ["gelu", "pass", "2", "1.0e-16", "", "3.0e-16", "", "1e-11"] in reader.rows
    assert ["gpt", "FAIL", "5", "5.0e-01", "∞", "", "1.2e-01", "1e-11"] in reader.rows
    assert "gpt (float64) diverges first at tap blocks.0/attention/weights: relative error" in reader.text
    assert "Parity: 2 checks, all within bounds" in Reader(page(PASSED)).text
    assert "No parity: nothing was checked" in Reader(page([])).text


def test_the_price_of_a_precision_has_two_columns_of_its_own():
    checks = [
        Check("gelu", "forward", "output", "float32", 1e-7, 1e-7, 1e-5, True, 2e-7, 3e-7),
        Check("gelu", "forward", "all", "bfloat16", 3e-3, 3e-3, 4e-3, True, 2e-3, 3e-3),
    ]
    reader = Reader(page([*PASSED, *checks]))
    assert "allowed: 1e-11 to 1e-05 and a factor 1.25 between the twins" in reader.text
    assert ["gelu", "pass", "2", "1.0e-16", "", "3.0e-16", "", "1e-11", "", ""] in reader.rows
    assert ["gelu", "pass", "1", "1.0e-07", "", "", "", "1e-05", "2.0e-07", "3.0e-07"] in reader.rows
    assert ["gelu", "pass", "1", "1.50", "", "", "", "2.00", "2.0e-03", "3.0e-03"] in reader.rows


def test_a_model_that_failed_has_its_taps_in_order_under_their_blocks():
    rows = Reader(page(FAILED, ISOLATED)).rows
    start = rows.index(["blocks.0", "2.5e-01", "2.5e-01", "diverges"])
    assert rows[start : start + 7] == [
        ["blocks.0", "2.5e-01", "2.5e-01", "diverges"],
        ["attention/scoresbatch key", "1.0e-16", "0", "matches"],
        ["attention/weightsbatch key", "2.5e-01", "2.5e-01", "diverges"],
        ["blocks.1", "∞", "2.0e-16", "downstream"],
        ["outputbatch embed", "∞", "2.0e-16", "downstream"],
        ["output", "5.0e-01", "3.0e-16", "downstream"],
        ["outputwhat the model returns", "5.0e-01", "3.0e-16", "downstream"],
    ]
    assert ["head/kernel", "1.2e-01", "1.2e-01"] in rows


def test_a_model_that_failed_without_isolation_has_its_readings():
    rows = Reader(page(FAILED)).rows
    assert ["blocks.0/attention/weights", "2.5e-01", "2.5e-01"] in rows
    assert ["blocks.1/output", "∞", "∞"] in rows


def test_bars_are_logarithmic_and_stay_within_their_width():
    assert [percent(error) for error in (0.0, 1e-300, 1e-18, 1e-8, 1e2, 1e9, INF)] == [
        0,
        0,
        0,
        50,
        100,
        100,
        100,
    ]
    assert 'style="--b:35%"' in page(FAILED, ISOLATED)


def test_names_are_escaped():
    name = "<script>alert('&')</script>"
    tap = TapError("tap", name, name, name, 1.0, 1.0, BOUND, "diverges")
    checks = [check(name, "tap", name, 1.0), check("b" + name, "tap", name)]
    html = page(checks, [Isolation(name, "float64", [tap])])
    assert "<script" not in html and "&lt;script&gt;" in html
    assert name in Reader(html).text


def test_three_thousand_readings_that_all_failed_fit_into_a_megabyte():
    name = "blocks.0/cross_attention/position_embedding/kernel"
    checks, isolations = [], []
    for number in range(60):
        model = f"encoder_decoder {number}"
        checks += [check(model, "tap", f"{name}{n}", 1.0) for n in range(25)]
        checks += [check(model, "parameter gradient", f"{name}{n}", 1.0) for n in range(25)]
        axes = "batch heads query head_dim"
        tap_errors = [
            TapError("tap", f"{name}{n}", axes, "blocks.0", 1.0, 1.0, BOUND, "diverges") for n in range(25)
        ]
        isolations.append(Isolation(model, "float64", tap_errors))
    assert len(page(checks, isolations).encode()) < 1_000_000


@pytest.mark.parametrize("injected", [True, False])
def test_the_command_writes_the_page_and_the_isolation(tmp_path, injected):
    (defect,) = (d for d in DEFECTS if d.name == "llama: GELU for SiLU in the gate")
    html, out = tmp_path / "new" / "page.html", tmp_path / "parity.json"
    command, console = Parity("feed_forward_gated", html=html, json=out), Console(quiet=True)
    with defect.inject() if injected else nullcontext():
        assert command.carry_out(console) == injected
    rows = Reader(html.read_text("utf-8")).rows
    isolation = json.loads(out.read_text())["isolation"]
    assert ["feed_forward_gated", "FAIL" if injected else "pass"] in [row[:2] for row in rows]
    assert (["active", "diverges"] in [[row[0], row[-1]] for row in rows]) is injected
    assert [block["verdict"] for found in isolation for block in found["blocks"]] == (
        ["matches", "matches", "diverges", "downstream"] if injected else []
    )
