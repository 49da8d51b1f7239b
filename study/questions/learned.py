"""What decoders learn where attention is varied: text, and digits backwards; and one run of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console

from parity_tests.twins.registry import Pair
from study.questions.fit import Training, Watch, fit, loss_and_accuracy, trainer
from study.questions.mask import digits
from study.questions.settings import evaluations
from study.questions.tables import print_table
from study.questions.task import IGNORED, Draw, Rows
from study.questions.text import text
from study.record import few
from train.config import Framework, Optimizer

POSITIONS, TEXT_VOCAB, TEXT_BATCH, LOOKED_AT = 32, 300, 16, 48  # windows that a curve is of
HELD_OUT = 400  # windows that the loss at the end is of
COUNT, DIGITS_BATCH, DIGITS_HELD_OUT = 8, 64, 256
EVALUATIONS = 5
PACE = Optimizer(learning_rate=3e-3, weight_decay=0.0, warmup=0.1, schedule="cosine")


@dataclass(frozen=True)
class Learned:
    """Rows to learn from, and rows to measure on, which are no test split."""

    name: str
    vocab: int
    positions: int
    draws: Callable[[int], Draw]
    """By seed."""
    curve: Rows
    held_out: Rows


def language() -> Learned:
    """Python's language reference, measured on its validation split."""
    read = text(TEXT_VOCAB, POSITIONS)
    held_out = Rows(*(column[:HELD_OUT] for column in read.held_out))
    looked_at = Rows(*(column[:LOOKED_AT] for column in held_out))
    return Learned("text", read.vocab, POSITIONS, partial(read.draw, TEXT_BATCH), looked_at, held_out)


def backwards() -> Learned:
    """Eight random digits, then the same backwards, which alone are asked for: the best loss is 0."""

    def asked(rows: Rows) -> Rows:
        labels = rows.labels.copy()
        labels[:, :COUNT] = IGNORED
        return Rows(rows.ids, labels)

    def draws(seed: int) -> Draw:
        return lambda step: asked(digits.draw(COUNT, DIGITS_BATCH, seed, step))

    held_out = asked(digits.held_out(COUNT, DIGITS_HELD_OUT))
    return Learned("digits", digits.VOCAB, 2 * COUNT, draws, held_out, held_out)


TASKS: dict[str, Callable[[], Learned]] = {"text": language, "digits": backwards}


def learn(
    name: str,
    pair: Pair,
    arguments: Mapping[str, Any],
    task: Learned,
    steps: int,
    seed: int,
    framework: Framework,
    watch: Watch,
    look: Callable[[Any], dict[str, Any]] = lambda model: {},
) -> dict[str, Any]:
    """A run as the record has it, with ``loss`` and ``accuracy`` of what was held out, and what ``look``
    finds in the trained model."""
    model = trainer(pair, arguments, task.curve.ids[:2], seed, framework, PACE)
    training = Training(steps, evaluations(steps, EVALUATIONS), PACE)
    watched = partial(loss_and_accuracy, rows=task.curve)
    run = fit(name, model, task.draws(seed), training, watched, seed, framework, watch)
    measured = {key: few(value) for key, value in loss_and_accuracy(model, task.held_out).items()}
    size = sum(array.size for array in model.params().values())
    return {**run.to_json(), "task": task.name, "parameters": int(size), **measured, **look(model)}


def print_losses(record: Mapping[str, Any], console: Console) -> None:
    """A row a model and task: mean and range over the seeds."""
    print_table(("", "task", "parameters", "nats", "accuracy"), losses(record["runs"]), console)


def losses(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str, str]]:
    """Name, task, parameters, loss and accuracy of all seeds together."""
    rows = []
    for name, task in dict.fromkeys((run["name"], run["task"]) for run in runs):
        its = [run for run in runs if (run["name"], run["task"]) == (name, task)]
        columns = (mean_range([run[column] for run in its]) for column in ("loss", "accuracy"))
        rows.append((name, task, f"{its[0]['parameters']:,}", *columns))
    return rows


def mean_range(values: Sequence[float]) -> str:
    """A mean, and the lowest and the highest where there are several."""
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) < 2 else f"{mean} ({min(values):.3f} to {max(values):.3f})"
