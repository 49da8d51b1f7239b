"""Attention drawn: one head over its words, or all heads at a glance."""

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from study.attention.heads import Heads
from study.attention.statistics import Head

DRAWN = 64  # tokens whose words there is room for
MAP, HIDDEN = "viridis", "#d4d4d4"  # which people with any colour vision can read; what a mask hides


def draw(found: Heads, each: list[Head], path: Path, layer: int | None, head: int | None) -> None:
    """One head if both are given, else all heads of a layer or of all layers."""
    if layer is not None and head is not None:
        figure = one(found, layer, head)
    else:
        figure = all_heads(found, each, range(found.shape[0]) if layer is None else [layer])
    figure.savefig(path, dpi=150, metadata={"Software": None} if path.suffix == ".png" else None)
    plt.close(figure)


def one(found: Heads, layer: int, head: int) -> plt.Figure:
    """A heat map: a row for each token that looks, a column for each that is looked at."""
    length = len(found.tokens)
    side = min(3.4 + 0.26 * length, 16.0)
    figure, axes = plt.subplots(figsize=(side + 1.0, side), layout="constrained")
    image = _paint(axes, found, layer, head)
    _words(axes, found.tokens, max(4.5, min(9.0, 420.0 / length)))
    axes.set(xlabel="is looked at (key)", ylabel="looks (query)", title=f"layer {layer}, head {head}")
    figure.colorbar(image, ax=axes, label="share of the query's attention", shrink=0.8)
    return figure


def all_heads(found: Heads, each: list[Head], layers: "range | list[int]") -> plt.Figure:
    """A small map for each head, with what it does most beneath."""
    count = found.shape[1]
    size = 1.5 if count > 6 else 1.9
    figure, grid = plt.subplots(
        len(layers),
        count,
        figsize=(size * count + 1.2, (size + 0.35) * len(layers) + 0.8),
        layout="constrained",
        squeeze=False,
    )
    numbers = {(row.layer, row.head): row for row in each}
    for row, layer in zip(grid, layers, strict=True):
        for head, axes in enumerate(row):
            image = _paint(axes, found, layer, head)
            axes.set(xticks=[], yticks=[])
            axes.set_title(f"{layer}.{head}", fontsize=8, pad=2)
            axes.set_xlabel(habit(numbers[layer, head]), fontsize=6.5, labelpad=2)
    words = " ".join(found.tokens)
    figure.suptitle(words if len(words) < 90 else words[:88] + " …", fontsize=9)
    figure.supylabel("layer.head: rows look, columns are looked at", fontsize=8)
    figure.colorbar(image, ax=grid, label="share", shrink=0.7, aspect=40)
    return figure


def habit(row: Head) -> str:
    """What a head does most, if it does one thing."""
    shares = {"previous": row.previous, "first": row.first, "itself": row.same}
    name, share = max({**shares, "induction": row.induction or 0.0}.items(), key=lambda item: item[1])
    return f"{name} {share:.0%}" if share >= 0.3 else f"entropy {row.entropy:.2f}"


def _paint(axes: Axes, found: Heads, layer: int, head: int) -> matplotlib.image.AxesImage:
    weights = found.weights[layer, head].copy()
    if found.causal:
        weights[np.triu_indices(len(weights), 1)] = np.nan
    colours = matplotlib.colormaps[MAP].with_extremes(bad=HIDDEN)
    return axes.imshow(weights, cmap=colours, vmin=0.0, vmax=1.0, interpolation="nearest")


def _words(axes: Axes, tokens: tuple[str, ...], size: float) -> None:
    if len(tokens) > DRAWN:
        return
    places = range(len(tokens))
    axes.set_xticks(places, [word.replace("$", r"\$") for word in tokens], rotation=90, fontsize=size)
    axes.set_yticks(places, [word.replace("$", r"\$") for word in tokens], fontsize=size)
