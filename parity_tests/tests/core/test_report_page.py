"""docs/report.md names every field of the JSON report, and no other."""

import re
from pathlib import Path

import numpy as np
import torch
from flax import linen

from parity_tests.core.report import SCHEMA
from parity_tests.pair import compare

PAGE = (Path(__file__).parents[3] / "docs" / "report.md").read_text("utf-8")


class Port(linen.Module):
    @linen.compact
    def __call__(self, input):
        return linen.LayerNorm()(linen.Dense(6)(input))


def test_every_field_is_on_the_page():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.LayerNorm(6))
    inputs = {"input": np.random.default_rng(0).standard_normal((5, 4))}
    report = compare(model, Port(), inputs).to_json()
    whole, check, isolation, finding = (
        {
            name.removesuffix("[]")
            for line in table.splitlines()
            for name in re.findall(r"`(\w+(?:\[\])?)`", line[: line.index("|", 1)])
        }
        for table in re.findall(r"\| field \| what \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE)
    )
    assert whole == report.keys() and f"| `schema` | {SCHEMA} |" in PAGE
    assert check == report["checks"][0].keys()
    assert isolation == report["isolation"][0].keys()
    assert finding == report["findings"][0].keys() and report["findings"]
    for name in ("blocks", "taps"):
        row = re.search(rf"\| `{name}\[\]` \| (.*) of each", PAGE)[1]
        assert set(re.findall(r"`(\w+)`", row)) == report["isolation"][0][name][0].keys()
    assert report["table"].keys() == {"code", "unproven"}
    assert report["alone"].keys() == {"reference", "candidate"}
