"""Attention as one HTML file that needs nothing else: point at a token and see where it looks."""

from pathlib import Path

from study.attention.heads import Heads
from study.attention.picture import habit
from study.attention.statistics import Head
from study.page import render

TEMPLATE = Path(__file__).with_name("page.html.jinja")
DIGITS = 4  # of a weight on the page


def page(found: Heads, each: list[Head], framework: str, layer: int, head: int) -> str:
    """The page, which begins with one head."""
    known = {
        "tokens": found.tokens,
        "causal": found.causal,
        "layer": layer,
        "head": head,
        "weights": found.weights.round(DIGITS).tolist(),
        "heads": [vars(row) | {"habit": habit(row)} for row in each],
    }
    return render(TEMPLATE, known, title=found.title, framework=framework)
