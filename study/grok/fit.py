"""One run: its training in one framework, and what is measured on the way."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float

from study.grok import mechanism
from study.grok.milestones import milestones
from study.grok.settings import Settings
from study.grok.task import Task, make_task
from train.config import Framework
from train.loops.schedule import rates_at

EMBEDDING = "embeddings/token_embedding/embedding"
SNAPSHOTS = 50  # evaluations whose training logits are kept until the key frequencies are known
DIGITS = 5  # of a number in the record

Curve = dict[str, list[float]]


@dataclass(frozen=True, eq=False)
class Run:
    """What became of one seed. Losses in nats, accuracies from 0 to 1."""

    name: str
    framework: Framework
    seed: int
    settings: Settings
    seconds: float
    curve: Curve
    """By column, a number for each evaluation: step, losses, accuracies, weight_norm, gini."""
    waves: dict[str, Any]
    """The embedding's norm at each frequency at the end, its key frequencies, and the excluded loss."""

    @property
    def milestones(self) -> dict[str, int | None]:
        return milestones(self.curve, self.settings.prime)

    def to_json(self) -> dict[str, Any]:
        """With numbers of few digits."""
        rounded = {name: [few(value) for value in column] for name, column in self.curve.items()}
        return asdict(self) | {"curve": rounded, "milestones": self.milestones}


def fit(
    name: str, settings: Settings, seed: int, framework: Framework, watch: Callable[[int, str], None]
) -> Run:
    """Train from the seed's weights on the seed's split; ``watch`` is told the steps done, and how it goes.

    Raises FloatingPointError where a loss is no number.
    """
    task, model, optimizer = make_task(settings, seed), settings.model(), settings.optimizer()
    side = import_module(f"study.grok.{framework}_side")
    trainer = side.Trainer(model, task, optimizer, side.initial_params(model, seed))
    begun, observed = time.perf_counter(), Observed(settings, task)
    observed.look(0, trainer.logits(), trainer.params())
    for step in range(0, settings.steps, settings.every):
        count = min(settings.every, settings.steps - step)
        rates = [rates_at(number, settings.steps, optimizer) for number in range(step, step + count)]
        losses, _ = trainer.advance(task.batches(step, count), rates)
        logits = trainer.logits()
        if not (np.isfinite(losses).all() and np.isfinite(logits).all()):
            raise FloatingPointError(
                f"the {framework} run's numbers are not finite within step {step + count}: lower "
                f"weight_decay={settings.weight_decay}"
            )
        observed.look(step + count, logits, trainer.params())
        shares = (observed.curve[column][-1] for column in ("train_accuracy", "test_accuracy"))
        watch(step + count, "train {:.0%}, test {:.0%}".format(*shares))
    curve, waves = observed.finish()
    return Run(name, framework, seed, settings, round(time.perf_counter() - begun, 1), curve, waves)


@dataclass(eq=False)
class Observed:
    """What is kept of the evaluations. Key frequencies are known at the end alone, so what depends on them
    waits: the logits' means by result, and some evaluations' training logits."""

    settings: Settings
    task: Task
    curve: Curve = field(default_factory=dict)
    norms: list[Float[np.ndarray, " frequency"]] = field(default_factory=list)
    means: list[Float[np.ndarray, "element classes"]] = field(default_factory=list)
    logits: dict[int, Float[np.ndarray, "train classes"]] = field(default_factory=dict)
    """By number of the evaluation, of the training pairs that have a result among the elements."""

    def __post_init__(self) -> None:
        results = np.full(len(self.task.ids), -1)
        results[self.task.by_result] = np.arange(len(self.task.elements))[:, None]
        self.rows = self.task.train[results[self.task.train] >= 0]
        self.results = results[self.rows]
        self.apart = max(1, math.ceil(self.settings.steps / self.settings.every / SNAPSHOTS))

    def look(
        self, step: int, logits: Float[np.ndarray, "pair classes"], params: dict[str, np.ndarray]
    ) -> None:
        """One evaluation."""
        task = self.task
        losses, right = mechanism.losses(logits, task.labels), logits.argmax(axis=1) == task.labels
        self.norms.append(mechanism.fourier_norms(params[EMBEDDING][task.elements]))
        row: dict[str, float] = {"step": step}
        for split, rows in (("train", task.train), ("test", task.test)):
            row |= {f"{split}_loss": losses[rows].mean(), f"{split}_accuracy": right[rows].mean()}
        row |= {"weight_norm": mechanism.weight_norm(params), "gini": mechanism.gini(self.norms[-1])}
        for name, value in row.items():
            self.curve.setdefault(name, []).append(float(value))
        if not self.settings.random_labels:
            number = len(self.means)
            self.means.append(mechanism.mean_by_result(logits, task.by_result))
            if number % self.apart == 0:
                self.logits[number] = logits[self.rows]

    def finish(self) -> tuple[Curve, dict[str, Any]]:
        """The curve with the restricted loss, and what is known of the waves."""
        norms, task = self.norms[-1], self.task
        keys = mechanism.key_frequencies(norms)
        waves: dict[str, Any] = {"keys": keys, "norms": [few(norm) for norm in norms]}
        if self.settings.random_labels:  # a pair's result says nothing there
            return self.curve, waves
        labels = task.labels[task.by_result[:, 0]]
        restricted = [mechanism.restricted_loss(means, labels, keys) for means in self.means]
        excluded: Curve = {"step": [], "loss": []}
        for number, logits in self.logits.items():
            left = mechanism.excluded_loss(
                logits, task.labels[self.rows], self.results, self.means[number], keys
            )
            excluded["step"].append(self.curve["step"][number])
            excluded["loss"].append(few(left))
        return self.curve | {"restricted_loss": restricted}, waves | {"excluded": excluded}


def few(value: float) -> float:
    """A number as the record has it."""
    return float(f"{value:.{DIGITS}g}")
