"""What is kept of a run's evaluations, and what is made of it when the key frequencies are known."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from study.grok import mechanism
from study.grok.settings import Settings
from study.grok.task import Task
from study.record import few

EMBEDDING = "embeddings/token_embedding/embedding"
SNAPSHOTS = 50  # evaluations whose training logits are kept

Curve = dict[str, list[float]]


@dataclass(eq=False)
class Observed:
    """Key frequencies are those of the last evaluation, so what depends on them waits: the logits' means by
    result, and the training logits of some evaluations."""

    settings: Settings
    task: Task
    curve: Curve = field(default_factory=dict)
    """By column, a number for each evaluation."""
    norms: Float[np.ndarray, " frequency"] = field(default_factory=lambda: np.zeros(0))
    """Of the embedding, at the last evaluation."""
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
        self.norms = mechanism.fourier_norms(params[EMBEDDING][task.elements])
        row: dict[str, float] = {"step": step}
        for split, rows in (("train", task.train), ("test", task.test)):
            row |= {f"{split}_loss": losses[rows].mean(), f"{split}_accuracy": right[rows].mean()}
        row |= {"weight_norm": mechanism.weight_norm(params), "gini": mechanism.gini(self.norms)}
        for name, value in row.items():
            self.curve.setdefault(name, []).append(float(value))
        if not self.settings.random_labels:
            number = len(self.means)
            self.means.append(mechanism.mean_by_result(logits, task.by_result))
            if number % self.apart == 0:
                self.logits[number] = logits[self.rows]

    def finish(self) -> tuple[Curve, dict[str, Any]]:
        """The curve with the restricted loss, and what is known of the waves."""
        task, keys = self.task, mechanism.key_frequencies(self.norms)
        waves: dict[str, Any] = {"keys": keys, "norms": [few(norm) for norm in self.norms]}
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
