"""The models that are trained for parity: small enough for a thousand steps in half a minute."""

from dataclasses import replace
from typing import Any

from train.config import Config
from train.recipes import recipe_of


def small(family: str) -> Config:
    """A small model of a family, on data that comes with Python or is drawn."""
    if family == "seq2seq":  # small as it is; slower, with decay; why without ReLU is in docs/tolerances.md
        start = recipe_of(family).config
        optimizer = replace(start.optimizer, learning_rate=2e-3, weight_decay=0.1)
        return replace(start, optimizer=optimizer, model=replace(start.model, activation="gelu"))
    start = recipe_of(family, "embedded").config
    sizes: dict[str, Any] = {
        "vocab": 1000,
        "max_positions": 32,
        "embed": 64,
        "mlp": 128,
        "layers": 2,
        "dropout": 0.1,
    }
    return replace(start, text=replace(start.text, batch=16, buckets=2), model=replace(start.model, **sizes))
