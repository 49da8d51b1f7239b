"""Attention drawn: one head over its words, or all heads at a glance."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from study.attention.heads import Heads
from study.attention.statistics import Head

DRAWN = 64  # tokens whose words there is room for
MAP, HIDDEN = "viridis", "#d4d4d4"  # which people with any colour vision can read; what a mask hides


KINDS = {  # as pictures call them
    "": "",
    "encoder": "encoder self-attention",
    "decoder": "decoder self-attention",
    "cross": "cross-attention",
}


def draw(parts: list[Heads], each: list[Head], path: Path, layer: int | None, head: int | None) -> None:
    """One head of the first part if both are given, else all heads of a layer or of all layers."""
    if layer is not None and head is not None:
        figure = one(parts[0], layer, head)
    else:
        figure = all_heads(parts, each, range(parts[0].shape[0]) if layer is None else [layer])
    figure.savefig(path, dpi=150, metadata={"Software": None} if path.suffix == ".png" else None)
    plt.close(figure)


def one(found: Heads, layer: int, head: int) -> plt.Figure:
    """A heat map: a row for each token that looks, a column for each that is looked at."""
    width, height = (min(3.4 + 0.26 * len(words), 16.0) for words in (found.keys, found.queries))
    figure, axes = plt.subplots(figsize=(width + 1.0, height), layout="constrained")
    image = _paint(axes, found, layer, head)
    _words(axes.set_xticks, found.keys, rotation=90)
    _words(axes.set_yticks, found.queries)
    name = f"{KINDS[found.kind]}, layer" if found.kind else "layer"
    axes.set(xlabel="is looked at (key)", ylabel="looks (query)", title=f"{name} {layer}, head {head}")
    figure.colorbar(image, ax=axes, label="share of the query's attention", shrink=0.8)
    return figure


def all_heads(parts: list[Heads], each: list[Head], layers: "range | list[int]") -> plt.Figure:
    """A small map for each head, with what it does most beneath; each kind of attention by itself."""
    count = parts[0].shape[1]
    size = 1.5 if count > 6 else 1.9
    width, height = size * count + 1.2, (size + 0.35) * len(layers) + 0.8
    figure = plt.figure(figsize=(width, height * len(parts)), layout="constrained")
    numbers = {(row.kind, row.layer, row.head): row for row in each}
    for panel, part in zip(figure.subfigures(len(parts), 1, squeeze=False)[:, 0], parts, strict=True):
        grid = panel.subplots(len(layers), count, squeeze=False)
        for row, layer in zip(grid, layers, strict=True):
            for head, axes in enumerate(row):
                image = _paint(axes, part, layer, head)
                axes.set(xticks=[], yticks=[])
                axes.set_title(f"{layer}.{head}", fontsize=8, pad=2)
                axes.set_xlabel(habit(numbers[part.kind, layer, head]), fontsize=6.5, labelpad=2)
        panel.suptitle(_title(part, int(12 * width)), fontsize=9)
        panel.supylabel("layer.head: rows look, columns are looked at", fontsize=8)
        panel.colorbar(image, ax=grid, label="share", shrink=0.7, aspect=40)
    return figure


def _title(part: Heads, room: int) -> str:
    """The kind of attention and its words, as far as there is room."""
    words = " ".join(part.keys)
    words = words if part.itself else f"{', '.join(part.queries)} look at {words}"
    title = f"{KINDS[part.kind]}: {words}" if part.kind else words
    title = title if len(title) <= room else title[: room - 2] + " …"
    return title.replace("$", r"\$")


def habit(row: Head) -> str:
    """What a head does most, if it does one thing."""
    shares = {"previous": row.previous, "first": row.first, "itself": row.same, "induction": row.induction}
    name, share = max(((name, one or 0.0) for name, one in shares.items()), key=lambda item: item[1])
    return f"{name} {share:.0%}" if share >= 0.3 else f"entropy {row.entropy:.2f}"


def _paint(axes: Axes, found: Heads, layer: int, head: int) -> matplotlib.image.AxesImage:
    weights = np.where(found.seen, found.weights[layer, head], np.nan)
    colours = matplotlib.colormaps[MAP].with_extremes(bad=HIDDEN)
    return axes.imshow(weights, cmap=colours, vmin=0.0, vmax=1.0, interpolation="nearest")


def _words(set_ticks: Callable[..., Any], words: tuple[str, ...], **how: Any) -> None:
    if len(words) > DRAWN:
        set_ticks([])
        return
    size = max(4.5, min(9.0, 420.0 / len(words)))
    set_ticks(range(len(words)), [word.replace("$", r"\$") for word in words], fontsize=size, **how)
