"""What a token costs while more and more are generated: `python -m benchmarks.decode`.

It measures for two or three minutes, writes the record and draws the picture.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import torch
from rich.progress import track

import jax_impl.generate
import torch_impl.generate
from benchmarks.decode_picture import draw
from benchmarks.machine import Machine
from jax_impl.config import GPTConfig
from study.record import few, record
from torch_impl import convert
from train.architecture import Architecture
from train.loops import jax_loop, torch_loop
from train.runs.durable import write_json

ROOT = Path(__file__).parents[1]
RESULT, PICTURE = ROOT / "benchmarks" / "results" / "decode.json", ROOT / "docs" / "pictures" / "decode.png"
NEW = (128, 256, 512, 1024)
PROMPT, ROUNDS = 16, 3
MODEL = GPTConfig(
    vocab=8192, max_positions=PROMPT + NEW[-1], embed=256, heads=4, mlp=1024, layers=4, fused=True
)
ARCHITECTURE = Architecture("gpt", MODEL)
FLOAT32 = 4  # bytes

Run = Callable[[int], Any]
Row = dict[str, Any]


def main() -> None:
    """Measure, write the record, draw."""
    copied = Machine().rates()["copy"]
    rows = measured({"jax": in_jax(), "torch": in_torch()}, copied)
    sizes = {"parameters": parameters(), "prompt": PROMPT, "rounds": ROUNDS, "copy": few(copied)}
    found = record(command="python -m benchmarks.decode", **sizes, rows=rows)
    write_json(RESULT, found)
    draw(found, PICTURE)


def in_jax() -> Run:
    """Generates so many tokens of one text, and waits for them."""
    tree = jax_loop.params_tree(jax_loop.initial_params(ARCHITECTURE, 0))
    model: Any = jax_loop.build_model(ARCHITECTURE).bind({"params": tree})
    prompt = jnp.zeros((1, PROMPT), jnp.int32)
    return lambda new: jax.block_until_ready(jax_impl.generate.generate(model, prompt, [PROMPT], new))


def in_torch() -> Run:
    """`in_jax`, its step compiled."""
    model: Any = torch_loop.build_model(ARCHITECTURE)
    convert.load(model, torch_loop.initial_params(ARCHITECTURE, 0))
    model = torch_loop.with_compiled_step(model)
    prompt = torch.zeros((1, PROMPT), dtype=torch.int64)
    return lambda new: torch_impl.generate.generate(model, prompt, [PROMPT], new)[0].numpy()


def measured(runs: dict[str, Run], copied: float) -> list[Row]:
    """Milliseconds a token, the least of all rounds, each in its turn; beside them what is expected."""
    turns = [(name, new) for name in runs for new in NEW]
    seconds: dict[tuple[str, int], list[float]] = {turn: [] for turn in turns}
    for number in track(range(ROUNDS + 1), "rounds"):
        for name, new in turns:
            begun = time.perf_counter()
            runs[name](new)
            if number:  # the first compiles
                seconds[name, new].append(time.perf_counter() - begun)
    return [
        {
            "framework": name,
            "new": new,
            "milliseconds": few(1e3 * min(seconds[name, new]) / new),
            **{what: few(1e3 * size / copied) for what, size in read(new).items()},
        }
        for name, new in turns
    ]


def parameters() -> int:
    """Those that a token reads: all but the positions' table, of which it reads a row."""
    shapes = jax_loop.parameter_shapes(ARCHITECTURE).values()
    return sum(math.prod(shape) for shape in shapes) - MODEL.max_positions * MODEL.embed


def read(new: int) -> dict[str, int]:
    """Bytes that a token reads: the weights, and the cache, as far as it has capacity."""
    cache = 2 * MODEL.layers * (PROMPT + new - 1) * MODEL.key_heads * MODEL.width
    return {"weights": FLOAT32 * parameters(), "cache": FLOAT32 * cache}


def flat(rows: list[Row], framework: str) -> bool:
    """Whether a token costs no more at the most tokens than at the fewest, but for its cache's reading."""
    own = sorted((row for row in rows if row["framework"] == framework), key=lambda row: row["new"])
    first, last = own[0], own[-1]
    return bool(last["milliseconds"] - first["milliseconds"] <= last["cache"] - first["cache"])


if __name__ == "__main__":
    main()
