"""The decoder, and others whose mask leaks, trained alike on digits and the same backwards."""

import math
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import jax_impl.gpt
import torch_impl.gpt
from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Figures, Training, Watch, fit, token_losses, trainer
from study.questions.mask import digits, jax_leaks, picture, torch_leaks
from study.questions.settings import PLAIN, DecoderConfig, evaluations
from train.config import Framework

CORRECT = "the correct mask"
MODELS = {
    CORRECT: Pair(jax_impl.gpt.GPT, torch_impl.gpt.GPT),
    "sees the next token": Pair(jax_leaks.SeesNext, torch_leaks.SeesNext),
    "one head without a mask": Pair(jax_leaks.OneHeadSees, torch_leaks.OneHeadSees),
    "no mask": Pair(jax_leaks.SeesAll, torch_leaks.SeesAll),
}
BATCH, HELD_OUT, FEW = 128, 4000, 8  # rows of a step, of an evaluation, of a parity check


@dataclass(frozen=True)
class Settings:
    """One training, but for its seed."""

    count: int = 10
    """Digits in a row, which come twice."""
    steps: int = 2000

    def model(self) -> DecoderConfig:
        return DecoderConfig(
            vocab=digits.VOCAB, max_positions=2 * self.count, embed=64, heads=4, mlp=256, layers=2
        )


def study(
    settings: Settings, seeds: int, framework: Framework, out: Path, console: Console
) -> dict[str, Any]:
    """Train each; returns the record, with what each loss says of its mask."""
    arguments = {"config": settings.model()}
    ids = digits.held_out(settings.count, FEW).ids

    def check() -> dict[str, Any]:
        return {name: hold(name, pair, {"ids": ids}, arguments) for name, pair in MODELS.items()}

    def carry_out(name: str, seed: int, watch: Watch) -> dict[str, Any]:
        model = trainer(MODELS[name], arguments, ids, seed, framework, PLAIN)
        training = Training(settings.steps, evaluations(settings.steps, 40), PLAIN)
        draw = partial(digits.draw, settings.count, BATCH, seed)
        run = fit(name, model, draw, training, partial(_look, settings.count), seed, framework, watch)
        losses = token_losses(model, digits.held_out(settings.count, HELD_OUT))
        return {
            **run.to_json(),
            "loss": float(losses.mean()),
            "standard_error": float(losses.mean(axis=1).std(ddof=1) / math.sqrt(len(losses))),
            "by_position": [float(loss) for loss in losses.mean(axis=0)],
            "verdict": digits.verdict(losses.mean(axis=1)),
        }

    planned = [
        Planned(f"{name}, seed {seed}", settings.steps, partial(carry_out, name, seed))
        for name in MODELS
        for seed in range(seeds if name == CORRECT else 1)
    ]
    about = {**asdict(settings), "optimum": digits.OPTIMUM}
    return ask(about, check, planned, picture.draw, out, console)


def _look(count: int, model: Any) -> Figures:
    return {"loss": float(np.mean(token_losses(model, digits.held_out(count, HELD_OUT // 8))))}
