"""Decoders of several depths, with and without skip connections, trained on text."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from rich.console import Console

from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Training, Watch, fit, loss_and_accuracy, trainer
from study.questions.settings import PLAIN
from study.questions.skips import jax_model, picture, torch_model
from study.questions.skips.measures import gradient_norms, likeness
from study.questions.skips.settings import Norm, SkipConfig, Skips, Start
from study.questions.task import Rows
from study.questions.text import text
from study.record import few
from train.config import Framework

PAIR = Pair(jax_model.SkipGPT, torch_model.SkipGPT)
VOCAB, POSITIONS, BATCH, HELD_OUT, FEW = 300, 16, 16, 512, 2  # FEW: rows of a parity check
STARTS: tuple[tuple[Norm, Start], ...] = (("pre", "xavier"), ("post", "xavier"), ("pre", "gpt-2"))
OPTIMIZER = replace(PLAIN, learning_rate=3e-3, warmup=0.1)


@dataclass(frozen=True)
class Settings:
    """The question's sizes."""

    depths: Sequence[int] = (1, 2, 4, 8, 16)
    steps: int = 300

    def model(self, layers: int, skips: Skips, norm: Norm, start: Start) -> SkipConfig:
        return SkipConfig(
            vocab=VOCAB,
            max_positions=POSITIONS,
            embed=32,
            heads=2,
            mlp=128,
            layers=layers,
            norm_position=norm,
            skips=skips,
            start=start,
        )


def study(settings: Settings, framework: Framework, out: Path, console: Console) -> dict[str, Any]:
    """Train each; returns the record. Losses are of the validation split's first windows."""
    corpus = text(VOCAB, POSITIONS)
    held_out = Rows(*(column[:HELD_OUT] for column in corpus.held_out))
    draw = corpus.draw(BATCH, seed=0)

    def check() -> dict[str, Any]:
        inputs = {"ids": held_out.ids[:FEW]}
        return {
            f"{skips}, {norm}": hold(
                "skips", PAIR, inputs, {"config": settings.model(2, skips, norm, "xavier")}
            )
            for skips in get_args(Skips)
            for norm in get_args(Norm)
        }

    def carry_out(layers: int, skips: Skips, norm: Norm, start: Start, watch: Watch) -> dict[str, Any]:
        arguments = {"config": settings.model(layers, skips, norm, start)}
        model, rows = trainer(PAIR, arguments, held_out.ids[:FEW], 0, framework, OPTIMIZER), draw(0)
        before, alike = gradient_norms(model, rows, layers), likeness(model, rows, layers)
        training = Training(settings.steps, max(1, settings.steps), OPTIMIZER)
        look = partial(loss_and_accuracy, rows=held_out)
        run = fit(skips, model, draw, training, look, 0, framework, watch)
        return {
            "skips": skips,
            "norm": norm,
            "start": start,
            "layers": layers,
            "seconds": run.seconds,
            "loss": few(run.curve["loss"][-1]),
            "gradients": list(map(few, before)),
            "gradients_after": list(map(few, gradient_norms(model, rows, layers))),
            "likeness": list(map(few, alike)),
        }

    planned = [
        Planned(
            f"{layers} layers, {norm}, {start}, skips: {skips}",
            settings.steps,
            partial(carry_out, layers, skips, norm, start),
        )
        for norm, start in STARTS
        for skips in get_args(Skips)
        for layers in settings.depths
    ]
    about = {
        **asdict(settings),
        "framework": framework,
        "unigram": few(unigram(corpus.train.tokens, held_out)),
    }
    return ask(about, check, planned, picture.draw, out, console)


def unigram(tokens: np.ndarray, rows: Rows) -> float:
    """Nats a token of a guess that looks at nothing: each token's share of the training split, plus one."""
    counts = np.bincount(tokens, minlength=VOCAB) + 1.0
    return float(-np.log(counts / counts.sum())[rows.labels].mean())
