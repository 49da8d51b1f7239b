"""The pictures of `benchmarks.output_layer`."""

from pathlib import Path
from typing import Any

import numpy as np

from study.drawing import BLACK, BLUE, ORANGE, plt, save

Rows = dict[str, list[dict[str, Any]]]
LEVELS = np.linspace(0.0, 1.0, 11)
FRAMEWORKS = {"jax": ("JAX", BLUE), "torch": ("PyTorch", ORANGE)}


def draw_share(rows: Rows, path: Path) -> None:
    """The output layer's share over width and depth, a panel a vocabulary; points are measured."""
    vocabs = sorted({row["vocab"] for row in rows["shares"]})
    figure, panels = plt.subplots(1, len(vocabs), figsize=(11, 4.8), sharey=True, layout="constrained")
    for axes, vocab in zip(panels, vocabs, strict=True):
        shares = {
            (row["width"], int(layers)): part
            for row in rows["shares"]
            if row["vocab"] == vocab
            for layers, part in row["by_layers"].items()
        }
        widths, layers = (sorted({key[axis] for key in shares}) for axis in (0, 1))
        grid = np.array([[shares[width, depth] for width in widths] for depth in layers])
        filled = axes.contourf(widths, layers, grid, LEVELS, cmap="cividis")
        axes.contour(widths, layers, grid, [0.5], colors="white", linewidths=2)
        for row in rows["measured"]:
            if row["vocab"] == vocab:
                place = row["width"], row["layers"]
                axes.plot(*place, "o", color="white", markeredgecolor=BLACK)
                text = f"{row['share']:.0%}, counted {shares[place]:.0%}"
                box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5}
                axes.annotate(
                    text, place, (0, 9), textcoords="offset points", fontsize=7.5, bbox=box, ha="center"
                )
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set_xticks(widths, [str(width) for width in widths])
        axes.set_yticks(layers, [str(depth) for depth in layers])
        axes.set_xlabel("width")
        axes.set_title(f"vocabulary {vocab:,}")
    panels[0].set_ylabel("layers")
    figure.colorbar(filled, ax=panels, label="the output layer's share of a step's operations")
    points = ". Points: measured in JAX" if rows["measured"] else ""
    figure.suptitle(f"Below the white line most of a step is the output layer{points}")
    save(figure, path)


def draw_memory(rows: Rows, path: Path) -> None:
    """MiB of the plain and the fused loss with its gradients, over tokens and over the vocabulary."""
    largest = {name: max(row[name] for row in rows["memory_mib"]) for name in ("vocab",)} | {"tokens": 2048}
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
    for axes, name, fixed in zip(panels, ("tokens", "vocab"), ("vocab", "tokens"), strict=True):
        for framework, (label, colour) in FRAMEWORKS.items():
            for loss, line, mark in (("plain", "--", "s"), ("fused", "-", "o")):
                points = sorted(
                    (row[name], row["mib"])
                    for row in rows["memory_mib"]
                    if (row["framework"], row["loss"], row[fixed]) == (framework, loss, largest[fixed])
                )
                axes.plot(
                    *zip(*points, strict=True), line, marker=mark, color=colour, label=f"{label}, {loss}"
                )
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        ticks = [size for size, _ in points]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.set_xlabel("tokens" if name == "tokens" else "vocabulary")
    panels[0].set_title(f"vocabulary {largest['vocab']:,}")
    panels[1].set_title(f"{largest['tokens']:,} tokens")
    panels[0].set_ylabel("MiB beside arguments and gradients")
    panels[0].yaxis.set_major_formatter("{x:,.0f}")
    panels[0].legend()
    figure.suptitle("Memory of the loss with its gradients, width 256, float32")
    save(figure, path)
