"""Decoders whose blocks share a branch or not, trained alike on text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Training, Watch, fit, loss_and_accuracy, trainer
from study.questions.settings import PLAIN, evaluations
from study.questions.task import Rows
from study.questions.text import text
from study.questions.tied import jax_model, picture, torch_model
from study.questions.tied.exchange import alikeness, costs
from study.questions.tied.settings import DIFFERENT, models
from study.record import few
from train.config import Framework

PAIR = Pair(jax_model.TiedGPT, torch_model.TiedGPT)
VOCAB, POSITIONS, BATCH, HELD_OUT, FEW = 300, 16, 16, 512, 2  # FEW: rows of a parity check
OPTIMIZER = replace(PLAIN, learning_rate=3e-3, warmup=0.1)


@dataclass(frozen=True)
class Settings:
    """The question's sizes."""

    layers: int = 4
    steps: int = 300


def study(
    settings: Settings, seeds: int, framework: Framework, out: Path, console: Console
) -> dict[str, Any]:
    """Train each; returns the record. Losses are of the validation split's first windows."""
    corpus, configs = text(VOCAB, POSITIONS), models(settings.layers, VOCAB, POSITIONS)
    held_out = Rows(*(column[:HELD_OUT] for column in corpus.held_out))

    def check() -> dict[str, Any]:
        inputs = {"ids": held_out.ids[:FEW]}
        return {name: hold(name, PAIR, inputs, {"config": config}) for name, config in configs.items()}

    def carry_out(name: str, seed: int, watch: Watch) -> dict[str, Any]:
        model = trainer(PAIR, {"config": configs[name]}, held_out.ids[:FEW], seed, framework, OPTIMIZER)
        begun = model.params()
        training = Training(settings.steps, evaluations(settings.steps, 2), OPTIMIZER)
        look = partial(loss_and_accuracy, rows=held_out)
        run = fit(name, model, corpus.draw(BATCH, seed), training, look, seed, framework, watch)
        found = {
            **run.to_json(),
            "parameters": int(sum(array.size for array in begun.values())),
            "loss": few(run.curve["loss"][-1]),
        }
        if name == DIFFERENT:
            trained = model.params()
            found |= {
                "costs": rounded(costs(model, held_out)),
                "alike": rounded(alikeness(trained, settings.layers)),
                "alike_before": rounded(alikeness(begun, settings.layers)),
            }
        return found

    planned = [
        Planned(f"{name}, seed {seed}", settings.steps, partial(carry_out, name, seed))
        for name in configs
        for seed in range(seeds)
    ]
    return ask(asdict(settings), check, planned, picture.draw, out, console)


def summary(record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Each model's name, its parameters, and the mean of its seeds' losses with the lowest and highest."""
    rows = []
    for name in dict.fromkeys(run["name"] for run in record["runs"]):
        runs = [run for run in record["runs"] if run["name"] == name]
        losses = [run["loss"] for run in runs]
        spread = f"{np.mean(losses):.3f} ({min(losses):.3f} to {max(losses):.3f})"
        rows.append((name, f"{runs[0]['parameters']:,}", spread))
    return rows


def rounded(matrix: np.ndarray) -> list[list[float]]:
    """As the record has it."""
    return [[few(value) for value in row] for row in matrix.tolist()]
