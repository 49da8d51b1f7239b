"""One run of a question: a model trained on rows that are drawn, and watched."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from parity_tests.twins.registry import Pair
from study.questions.task import IGNORED, Draw, Rows
from study.record import few
from train.config import Framework, Optimizer
from train.loops.schedule import rates_at

Watch = Callable[[int, str], None]
"""Is told the steps done, and how it goes."""
Figures = dict[str, float]
Look = Callable[[Any], Figures]
"""What is measured of a trainer (`jax_side.Trainer`, or its mirror) at an evaluation."""


@dataclass(frozen=True)
class Training:
    """How a run is trained."""

    steps: int
    """Updates, at most."""
    every: int
    """Updates between two evaluations."""
    optimizer: Optimizer
    until: tuple[str, float] | None = None
    """A figure and how large it must be: reached, the run is over."""


@dataclass(frozen=True)
class Run:
    """What became of it."""

    name: str
    framework: Framework
    seed: int
    seconds: float
    """Of the training, compiling and evaluations included."""
    curve: dict[str, list[float]]
    """By column, a number for each evaluation: step, and what was looked at."""

    def to_json(self) -> dict[str, Any]:
        """With numbers of few digits."""
        return asdict(self) | {"curve": {name: list(map(few, column)) for name, column in self.curve.items()}}


def trainer(
    pair: Pair, arguments: Mapping[str, Any], ids: np.ndarray, seed: int, framework: Framework, how: Optimizer
) -> Any:
    """A model with the weights of a seed, the same in either framework: Flax draws them."""
    from study.questions import jax_side

    params = jax_side.initial_params(pair.build("jax_impl", arguments), ids, seed)
    side = import_module(f"study.questions.{framework}_side")
    return side.Trainer(pair.build(f"{framework}_impl", arguments), how, params)


def fit(
    name: str,
    trainer: Any,
    draw: Draw,
    training: Training,
    look: Look,
    seed: int,
    framework: Framework,
    watch: Watch,
) -> Run:
    """Train on the batches that ``draw`` gives, looking before the first step and after each ``every``.

    Raises FloatingPointError where a loss is not finite.
    """
    optimizer, begun = training.optimizer, time.perf_counter()
    curve: dict[str, list[float]] = {}
    for step in range(0, training.steps + 1, training.every):
        if step:
            numbers = range(step - training.every, step)
            rates = [rates_at(number, training.steps, optimizer) for number in numbers]
            losses, _ = trainer.advance([draw(number) for number in numbers], rates)
            if not np.isfinite(losses).all():
                raise FloatingPointError(
                    f"{name}, {framework}, seed {seed}: the loss is not finite within step {step}"
                )
        figures = look(trainer)
        for column, value in {"step": step, **figures}.items():
            curve.setdefault(column, []).append(float(value))
        watch(step, ", ".join(f"{column} {value:.3g}" for column, value in figures.items()))
        if training.until and figures[training.until[0]] >= training.until[1]:
            break
    return Run(name, framework, seed, round(time.perf_counter() - begun, 1), curve)


def loss_and_accuracy(trainer: Any, rows: Rows) -> Figures:
    """Loss in nats and share of right answers, mean over what is asked for in the rows."""
    asked, logits = rows.labels != IGNORED, trainer.logits(rows.ids)
    right = logits.argmax(axis=-1) == rows.labels
    return {"loss": float(_losses(logits, rows)[asked].mean()), "accuracy": float(right[asked].mean())}


def token_losses(trainer: Any, rows: Rows) -> Float[np.ndarray, "batch position"]:
    """-log p of each token that is asked for, in nats; 0 where none is."""
    return _losses(trainer.logits(rows.ids), rows)


def _losses(
    logits: Float[np.ndarray, "batch position vocab"], rows: Rows
) -> Float[np.ndarray, "batch position"]:
    wide, labels = logits.astype(np.float64), np.maximum(rows.labels, 0)[..., None]
    losses = logsumexp(wide, axis=-1) - np.take_along_axis(wide, labels, axis=-1)[..., 0]
    return np.where(rows.labels != IGNORED, losses, 0.0)
