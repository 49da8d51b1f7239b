"""Attention as one HTML file that needs nothing else: point at a token and see where it looks."""

from pathlib import Path

from study.attention.heads import Heads
from study.attention.picture import KINDS, habit
from study.attention.statistics import Head
from study.page import render

TEMPLATE = Path(__file__).with_name("page.html.jinja")
DIGITS = 4  # of a weight on the page


def page(parts: list[Heads], each: list[Head], source: str, layer: int, head: int) -> str:
    """The page, which begins with one head; ``source`` says where the weights are from."""
    known = {
        "layer": layer,
        "head": head,
        "parts": [
            {
                "kind": KINDS[part.kind],
                "queries": part.queries,
                "keys": part.keys,
                "itself": part.itself,
                "seen": part.seen.astype(int).tolist(),
                "weights": part.weights.round(DIGITS).tolist(),
                "heads": [vars(row) | {"habit": habit(row)} for row in each if row.kind == part.kind],
            }
            for part in parts
        ],
    }
    return render(TEMPLATE, known, title=parts[0].title, source=source)
