"""The picture of `benchmarks.decode`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study.drawing import BLUE, GREY, ORANGE, SKY, plt, save

FRAMEWORKS = {"jax": ("JAX", BLUE), "torch": ("PyTorch, compiled", ORANGE)}


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Milliseconds a token over the tokens generated, above what reading weights and cache takes."""
    figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    for framework, (label, colour) in FRAMEWORKS.items():
        rows = [row for row in record["rows"] if row["framework"] == framework]
        new, spent = ([row[name] for row in rows] for name in ("new", "milliseconds"))
        axes.plot(new, spent, "o-", color=colour, label=label)
    weights, cache = ([row[name] for row in rows] for name in ("weights", "cache"))
    labels = ["reading the weights", "reading the cache"]
    axes.stackplot(new, weights, cache, colors=[GREY, SKY], alpha=0.4, labels=labels)
    axes.set_xscale("log", base=2)
    axes.set_xticks(new, [f"{tokens:,}" for tokens in new])
    axes.set_ylim(0)
    axes.set_xlabel("tokens generated, each with a cache for all of them")
    axes.set_ylabel("milliseconds a token")
    axes.legend()
    save(figure, path)
