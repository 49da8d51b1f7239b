"""head_dim, value_dim and the number of heads, each varied alone; and the rank of the scores."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Watch
from study.questions.learned import TASKS, Learned, learn
from study.questions.settings import DecoderConfig
from study.questions.widths import jax_widths, picture, torch_widths
from study.record import few
from train.config import Framework

PAIR = Pair(jax_widths.TwoWidthsGPT, torch_widths.TwoWidthsGPT)
TOTAL = 16  # heads * head_dim where heads are varied
PLAIN_WIDTH = 16  # of queries, keys and values where it is not varied


@dataclass(frozen=True, kw_only=True)
class TwoWidthsConfig(DecoderConfig):
    """A GPT whose values have a width of their own."""

    value_dim: int


@dataclass(frozen=True)
class Settings:
    """What is tried: ``widths`` of queries and keys at one head, then of values, then numbers of heads that
    share 16."""

    widths: Sequence[int]
    heads: Sequence[int]
    steps: int
    tasks: Sequence[str]

    def tried(self) -> list[tuple[str, int, int, int]]:
        """What is varied, heads, head_dim, value_dim."""
        return [
            *(("head_dim", 1, width, PLAIN_WIDTH) for width in self.widths),
            *(("value_dim", 1, PLAIN_WIDTH, width) for width in self.widths),
            *(("heads", count, TOTAL // count, TOTAL // count) for count in self.heads),
        ]

    def model(self, task: Learned, heads: int, head_dim: int, value_dim: int) -> TwoWidthsConfig:
        sizes: dict[str, Any] = {
            "vocab": task.vocab,
            "max_positions": task.positions,
            "mlp": 64,
            "embed": 32,
            "layers": 1,
        }
        return TwoWidthsConfig(**sizes, heads=heads, head_dim=head_dim, value_dim=value_dim)


def study(
    settings: Settings, seeds: int, framework: Framework, out: Path, console: Console
) -> dict[str, Any]:
    """Train all; returns the record."""
    tasks = [TASKS[name]() for name in settings.tasks]

    def check() -> dict[str, Any]:
        arguments = {"config": settings.model(tasks[0], heads=2, head_dim=3, value_dim=5)}
        return {"two widths": hold("two widths", PAIR, {"ids": tasks[0].curve.ids[:4]}, arguments)}

    def carry_out(tried: tuple[str, int, int, int], task: Learned, seed: int, watch: Watch) -> dict[str, Any]:
        varied, *sizes = tried
        arguments = {"config": settings.model(task, *sizes)}
        look = partial(singular_values, ids=task.curve.ids[:1])
        run = learn(_name(*tried), PAIR, arguments, task, settings.steps, seed, framework, watch, look)
        return {**run, "varied": varied, **dict(zip(("heads", "head_dim", "value_dim"), sizes, strict=True))}

    planned = [
        Planned(
            f"{_name(*tried)}, {task.name}, seed {seed}",
            settings.steps,
            partial(carry_out, tried, task, seed),
        )
        for seed in range(seeds)
        for task in tasks
        for tried in settings.tried()
    ]
    return ask(asdict(settings), check, planned, picture.draw, out, console)


def singular_values(model: Any, ids: np.ndarray) -> dict[str, Any]:
    """Those of the first head's scores over one row, Q K^T before its mask, relative to the largest."""
    taps = model.taps(ids)
    query, key = (taps[f"blocks.0/attention/{name}"][0, 0].astype(np.float64) for name in ("query", "key"))
    values = np.linalg.svd(query @ key.T, compute_uv=False)
    return {"singular_values": [few(float(value)) for value in values / values[0]]}


def _name(varied: str, heads: int, head_dim: int, value_dim: int) -> str:
    return f"{varied}: {heads} heads, head_dim {head_dim}, value_dim {value_dim}"
