"""Both models over all distances: until when they recall, and what a step takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

import jax_impl.gpt
import torch_impl.gpt
from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Training, Watch, fit, loss_and_accuracy, trainer
from study.questions.recall import jax_lstm, picture, task, torch_lstm
from study.questions.recall.chain import chain
from study.questions.recall.measures import seconds_a_token, state_bytes
from study.questions.recall.settings import LSTM, TRANSFORMER
from study.questions.settings import PLAIN
from study.record import few
from train.config import Framework

MODELS: dict[str, tuple[Pair, Any]] = {
    "lstm": (Pair(jax_lstm.RecurrentModel, torch_lstm.RecurrentModel), LSTM),
    "transformer": (Pair(jax_impl.gpt.GPT, torch_impl.gpt.GPT), TRANSFORMER),
}
BATCH, HELD_OUT, EVERY, RIGHT = 32, 256, 25, 0.95
OPTIMIZER = replace(PLAIN, learning_rate=3e-3, schedule="constant", warmup=0.0)


@dataclass(frozen=True)
class Settings:
    """The question's sizes."""

    distances: Sequence[int] = (4, 16, 64, 256)
    """Tokens of noise between the symbol and the question."""
    lengths: Sequence[int] = (16, 64, 256, 1024)
    """Of the rows whose steps are timed."""
    steps: int = 1500


def study(
    settings: Settings, seeds: int, framework: Framework, out: Path, console: Console
) -> dict[str, Any]:
    """Train and time both; returns the record."""

    def check() -> dict[str, Any]:
        ids = task.held_out(5, 8).ids
        return {name: hold(name, pair, {"ids": ids}, {"config": c}) for name, (pair, c) in MODELS.items()}

    def recall(name: str, distance: int, seed: int, watch: Watch) -> dict[str, Any]:
        pair, config = MODELS[name]
        rows = task.held_out(distance, HELD_OUT)
        model = trainer(pair, {"config": config}, rows.ids, seed, framework, OPTIMIZER)
        training = Training(settings.steps, EVERY, OPTIMIZER, until=("accuracy", RIGHT))
        look, draw = partial(loss_and_accuracy, rows=rows), partial(task.draw, distance, BATCH, seed)
        run = fit(name, model, draw, training, look, seed, framework, watch)
        recalled = run.curve["accuracy"][-1] >= RIGHT
        parameters = sum(array.size for array in model.params().values())
        return {
            **run.to_json(),
            "distance": distance,
            "parameters": int(parameters),
            "steps": int(run.curve["step"][-1]) if recalled else None,
        }

    def timed(name: str, length: int, watch: Watch) -> dict[str, Any]:
        pair, config = MODELS[name]
        ids = task.held_out(length - 2, 1).ids
        model = trainer(pair, {"config": config}, ids, 0, framework, OPTIMIZER)
        return {
            "name": name,
            "length": length,
            "seconds_a_token": few(seconds_a_token(model, length, BATCH, OPTIMIZER)),
            "chain": chain(pair.build("jax_impl", {"config": config}), length),
            "state_bytes": state_bytes(length)[name],
        }

    planned = [
        *(
            Planned(f"{name}, length {length}", 1, partial(timed, name, length))
            for length in settings.lengths
            for name in MODELS
        ),
        *(
            Planned(f"{name}, distance {n}, seed {seed}", settings.steps, partial(recall, name, n, seed))
            for n in settings.distances
            for name in MODELS
            for seed in range(seeds)
        ),
    ]
    return ask(asdict(settings), check, planned, picture.draw, out, console)
