"""Five functions of queries and keys, trained alike on text and on digits backwards."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int32
from rich.console import Console

import jax_impl.gpt
import torch_impl.gpt
from parity_tests.twins.registry import Pair
from study.attention.heads import shown
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Watch
from study.questions.learned import TASKS, TEXT_VOCAB, Learned, learn
from study.questions.settings import DecoderConfig
from study.questions.text import text
from study.questions.weights import jax_weights, picture, torch_weights
from study.record import few
from train.config import Framework

MODELS = {
    "scaled dot product": Pair(jax_impl.gpt.GPT, torch_impl.gpt.GPT),
    "additive": Pair(jax_weights.AdditiveGPT, torch_weights.AdditiveGPT),
    "cosine": Pair(jax_weights.CosineGPT, torch_weights.CosineGPT),
    "bilinear, no softmax": Pair(jax_weights.BilinearGPT, torch_weights.BilinearGPT),
    "linear": Pair(jax_weights.LinearGPT, torch_weights.LinearGPT),
}
SENTENCE = 16  # tokens that are shown
DIGITS = 3  # of a weight in the record


@dataclass(frozen=True)
class Settings:
    """One training, but for its seed."""

    steps: int
    tasks: Sequence[str]

    def model(self, task: Learned) -> DecoderConfig:
        sizes: dict[str, Any] = {"vocab": task.vocab, "max_positions": task.positions}
        return DecoderConfig(**sizes, embed=32, heads=2, mlp=64, layers=2)


def study(
    settings: Settings, seeds: int, framework: Framework, out: Path, console: Console
) -> dict[str, Any]:
    """Train each on each task; returns the record."""
    tasks = [TASKS[name]() for name in settings.tasks]

    def check() -> dict[str, Any]:
        arguments, ids = {"config": settings.model(tasks[0])}, tasks[0].curve.ids[:4]
        return {name: hold(name, pair, {"ids": ids}, arguments) for name, pair in MODELS.items()}

    def carry_out(name: str, task: Learned, seed: int, watch: Watch) -> dict[str, Any]:
        arguments = {"config": settings.model(task)}
        look: Callable[[Any], dict[str, Any]] = partial(map_of, task=task) if seed == 0 else nothing
        return learn(name, MODELS[name], arguments, task, settings.steps, seed, framework, watch, look)

    planned = [
        Planned(f"{name}, {task.name}, seed {seed}", settings.steps, partial(carry_out, name, task, seed))
        for seed in range(seeds)
        for task in tasks
        for name in MODELS
    ]
    return ask(asdict(settings), check, planned, picture.draw, out, console)


def nothing(model: Any) -> dict[str, Any]:
    """Of seeds that are not drawn."""
    return {}


def map_of(model: Any, task: Learned) -> dict[str, Any]:
    """The weights of one head over one row, with its tokens: the head that is furthest from taking all keys
    alike."""
    ids = task.curve.ids[:1, :SENTENCE]
    weights = {name: array[0] for name, array in model.taps(ids).items() if name.endswith("/weights")}
    heads = {
        (name, head): of_one for name, all_heads in weights.items() for head, of_one in enumerate(all_heads)
    }
    name, head = max(heads, key=lambda place: unlike_the_mean(heads[place]))
    shown_weights = [[few(round(float(w), DIGITS)) for w in row] for row in heads[name, head]]
    return {"head": f"{name}, head {head}", "tokens": _tokens(task, ids[0]), "weights": shown_weights}


def unlike_the_mean(weights: Float[np.ndarray, "query key"]) -> float:
    """The distance of each row from 1 / n for each of the n keys that it sees, as a mean."""
    seen = np.tri(len(weights))
    return float(np.abs(weights - seen / seen.sum(axis=1, keepdims=True)).sum(axis=1).mean())


def _tokens(task: Learned, ids: Int32[np.ndarray, " position"]) -> list[str]:
    if task.name != "text":
        return [str(number) for number in ids]
    tokenizer = text(TEXT_VOCAB, task.positions).tokenizer
    return [shown(tokenizer, int(number)) for number in ids]
