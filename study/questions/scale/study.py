"""With the division and without, over head_dim: the scores at the start, and the loss in the end."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from rich.console import Console

import jax_impl.gpt
import torch_impl.gpt
from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Figures, Watch, trainer
from study.questions.learned import PACE, TASKS, Learned, learn
from study.questions.scale import jax_unscaled, picture, torch_unscaled
from study.questions.settings import DecoderConfig
from study.record import few
from train.config import Framework

DIVIDED, NOT = "divided", "not divided"
MODELS = {
    DIVIDED: Pair(jax_impl.gpt.GPT, torch_impl.gpt.GPT),
    NOT: Pair(jax_unscaled.UnscaledGPT, torch_unscaled.UnscaledGPT),
}


@dataclass(frozen=True, kw_only=True)
class UnitConfig(DecoderConfig):
    """Whose queries and keys begin with a variance of about 1, as in Vaswani et al. 2017, footnote 4."""

    @property
    def kernel_std(self) -> float:
        """Of what reads embed numbers of variance 1."""
        return 1.0 / math.sqrt(self.embed)


CONFIGS: dict[str, type[DecoderConfig]] = {"1/sqrt(embed)": UnitConfig, "0.02": DecoderConfig}


@dataclass(frozen=True)
class Settings:
    """What is varied, and for how long it is trained."""

    widths: Sequence[int]
    steps: int
    task: Literal["text", "digits"]

    def model(self, task: Learned, deviation: str, head_dim: int) -> DecoderConfig:
        sizes: dict[str, Any] = {"vocab": task.vocab, "max_positions": task.positions, "head_dim": head_dim}
        return CONFIGS[deviation](**sizes, embed=32, heads=2, mlp=64, layers=2)


def study(
    settings: Settings, seeds: int, framework: Framework, out: Path, console: Console
) -> dict[str, Any]:
    """Train all; returns the record."""
    task = TASKS[settings.task]()

    def check() -> dict[str, Any]:
        arguments = {"config": settings.model(task, "0.02", settings.widths[0])}
        ids = task.curve.ids[:4]
        return {name: hold(name, pair, {"ids": ids}, arguments) for name, pair in MODELS.items()}

    def carry_out(name: str, deviation: str, width: int, seed: int, watch: Watch) -> dict[str, Any]:
        arguments, pair = {"config": settings.model(task, deviation, width)}, MODELS[name]
        begun = trainer(pair, arguments, task.curve.ids[:2], seed, framework, PACE)
        what = f"{name}, deviation {deviation}, head_dim {width}"
        run = learn(what, pair, arguments, task, settings.steps, seed, framework, watch)
        about = {"kind": name, "deviation": deviation, "head_dim": width}
        return {**run, **about, "start": at_start(begun, task)}

    planned = [
        Planned(
            f"{name}, deviation {deviation}, head_dim {width}, seed {seed}",
            settings.steps,
            partial(carry_out, name, deviation, width, seed),
        )
        for seed in range(seeds)
        for deviation in CONFIGS
        for width in settings.widths
        for name in MODELS
    ]
    return ask(asdict(settings), check, planned, picture.draw, out, console)


def at_start(model: Any, task: Learned) -> Figures:
    """Of the first block's attention, in the last half of a few rows: the variance of the scores and what
    theory says of it, the entropy of the weights as a share of the most there can be, and how much the
    softmax passes on; then the gradient's norm of all queries' and keys' matrices."""
    rows = type(task.curve)(*(column[:8] for column in task.curve))
    taps = model.taps(rows.ids)
    scores, weights, query, key = (
        taps[f"blocks.0/attention/{name}"] for name in ("scores", "weights", "query", "key")
    )
    length = scores.shape[-1]
    seen = np.tri(length, dtype=bool)
    gradients = model.gradients(rows)
    norms = [
        np.linalg.norm(array)
        for name, array in gradients.items()
        if name.endswith(("query/kernel", "key/kernel"))
    ]
    figures = {
        "variance": scores[..., seen].var(),
        "query_variance": query.var(),
        "key_variance": key.var(),
        "entropy": entropy(weights)[..., length // 2 :].mean(),
        "passed_on": passed_on(weights)[..., length // 2 :].mean(),
        "gradient_norm": np.linalg.norm(norms),
    }
    return {name: few(float(value)) for name, value in figures.items()}


def entropy(weights: Float[np.ndarray, "*axes query key"]) -> Float[np.ndarray, "*axes query"]:
    """As a share of log n, where query n, counted from 1, sees n keys; 1 for the first."""
    numbers = np.arange(1, weights.shape[-1] + 1)
    nats = -(weights * np.log(np.where(weights > 0.0, weights, 1.0))).sum(axis=-1)
    return np.where(numbers > 1, nats / np.log(np.maximum(numbers, 2)), 1.0)


def passed_on(weights: Float[np.ndarray, "*axes query key"]) -> Float[np.ndarray, "*axes query"]:
    """The trace of the softmax's derivative, diag(w) - w w^T: 1 - the sum of squared weights; 0 where one
    key has all."""
    return 1.0 - np.square(weights).sum(axis=-1)
