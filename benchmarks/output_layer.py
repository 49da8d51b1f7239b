"""The output layer: its share of a training step, and what fusing it with the loss saves.

`python -m benchmarks.output_layer` measures for some minutes, writes the record and draws the pictures.
"""

from pathlib import Path
from typing import Any

import torch
from rich.progress import track

from benchmarks.output_losses import in_turns, jax_memory, jax_step, torch_memory, torch_step
from benchmarks.output_pictures import draw_memory, draw_share
from benchmarks.output_share import blocks_and_rest, output_layer, share, timed
from study.record import few, record, rounded
from train.runs.durable import write_json

ROOT = Path(__file__).parents[1]
RESULTS, PICTURES = ROOT / "benchmarks" / "results" / "output_layer.json", ROOT / "docs" / "pictures"
VOCABS, WIDTHS, LAYERS = (8192, 50257), (64, 128, 256, 512, 1024, 2048), (1, 2, 4, 8, 16, 32, 64)
POINTS = [(128, layers, vocab) for vocab in VOCABS for layers in (2, 8)]  # width, layers, vocab
GPT_C = (2, 50257)  # layers, vocab; the width is 256
SIZES = [(512, 50257), (1024, 50257), (2048, 50257), (2048, 8192), (2048, 16384), (2048, 32768)]
ROUNDS = 3

Rows = list[dict[str, Any]]


def main() -> None:
    """Measure, write the record after each part, draw."""
    torch.set_num_threads(1)  # more of them spin while they wait, which would count as work
    rows: dict[str, Rows] = {}
    for part in (shares, memory_mib, steps, measured):
        rows[part.__name__] = [rounded(row) for row in part()]
        write_json(RESULTS, record(command="python -m benchmarks.output_layer", torch_threads=1, **rows))
    draw_share(rows, PICTURES / "output_layer_share.png")
    draw_memory(rows, PICTURES / "output_layer_memory.png")


def shares() -> Rows:
    """Counted, and how many layers cost as much as the output layer."""
    return [
        {
            "width": width,
            "vocab": vocab,
            "as_much": output_layer(width, vocab) / blocks_and_rest(width)[0],
            "by_layers": {str(layers): few(share(width, layers, vocab)) for layers in LAYERS},
        }
        for vocab in VOCABS
        for width in WIDTHS
    ]


def memory_mib() -> Rows:
    """Of the loss with its gradients."""
    return [
        {
            "framework": name,
            "loss": kind,
            "tokens": tokens,
            "vocab": vocab,
            "mib": memory(kind, tokens, vocab),
        }
        for name, memory in (("jax", jax_memory), ("torch", torch_memory))
        for kind in ("plain", "fused")
        for tokens, vocab in track(SIZES, f"memory, {name}, {kind}")
    ]


def steps() -> Rows:
    """Memory and time of a GPT's gradient."""
    rows = []
    for framework, step in (("jax", jax_step), ("torch", torch_step)):
        made = {kind: step(kind, *GPT_C) for kind in ("plain", "fused")}
        seconds = in_turns({kind: run for kind, (run, _) in made.items()}, ROUNDS)
        rows += [
            {"framework": framework, "loss": kind, **memory, **seconds[kind]}
            for kind, (_, memory) in made.items()
        ]
    return rows


def measured() -> Rows:
    """The share, by processor time."""
    return [
        {"width": width, "layers": layers, "vocab": vocab, **timed(width, layers, vocab, ROUNDS)}
        for width, layers, vocab in track(POINTS, "shares, measured")
    ]


if __name__ == "__main__":
    main()
