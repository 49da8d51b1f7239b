"""A backend that computes nothing: it writes down what it is given, and answers by a rule.

Its only weight counts the updates. What a model with it says is `answer`, so a score tells which weights and
which tokens it was made from.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from data.sets.reversal import END

UNTRAINED = 0.0


def answer(name: str, vocab: int, classes: int, weight: float, ids: np.ndarray, places: Any) -> np.ndarray:
    """A classifier's logits: one for the class that the ids add up to; a language model's: for each token
    itself. Untrained ones are all alike."""
    if "classifier" in name:
        return weight * np.eye(classes, dtype=np.float32)[ids.sum(axis=1) % classes]
    if places is not None:
        ids = np.take_along_axis(ids, places, axis=1)
    return weight * np.eye(vocab, dtype=np.float32)[ids]


def loss(batch: Any) -> float:
    """A batch's mean of the labels that count, so that another weighting of batches shows."""
    weights = getattr(batch, "weights", np.ones(batch.labels.shape))
    return float((batch.labels * weights).sum() / weights.sum())


@dataclass
class RecordingLoop:
    """Every call in its order, with the weight that it was made with."""

    evaluated: list[tuple[float, list[Any]]] = field(default_factory=list)
    """Batches whose losses were asked for."""
    read: list[tuple[float, tuple[np.ndarray, ...]]] = field(default_factory=list)
    """Inputs whose outputs were asked for."""
    decoded: list[tuple[float, np.ndarray]] = field(default_factory=list)
    """Sources that were translated."""
    trained_on: list[Any] = field(default_factory=list)
    """Training batches."""
    drawn: list[tuple[Any, int]] = field(default_factory=list)
    """Models whose weights were drawn, and the seeds."""
    trainers: list[tuple[Any, ...]] = field(default_factory=list)
    """Family, model, optimizer, number of updates and seed of each."""
    MOMENTS: ClassVar = {"adamw": (), "sgd": ()}

    def build_model(self, architecture: Any) -> Any:
        return architecture

    def initial_params(self, architecture: Any, seed: int) -> dict[str, np.ndarray]:
        self.drawn.append((architecture, seed))
        return {"weight": np.full(1, UNTRAINED)}

    def evaluate(self, family: str, model: Any, params: Any, batches: Any) -> list[dict[str, float]]:
        self.evaluated.append((params["weight"].item(), list(batches)))
        return [{"loss": loss(batch) / 100, "accuracy": 0.5} for batch in self.evaluated[-1][1]]

    def to_device(self, batch: Any) -> Any:
        return batch

    def programs_compiled(self) -> int:
        return 0

    def peak_device_memory(self) -> None:
        return None

    def outputs(self, model: Any, params: Any, method: str = "__call__") -> Any:
        weight, config = params["weight"].item(), model.config

        def apply(*inputs: np.ndarray) -> np.ndarray:
            self.read.append((weight, inputs))
            places = inputs[2] if len(inputs) > 2 else None
            return answer(model.name, config.vocab, getattr(config, "classes", 0), weight, inputs[0], places)

        return apply

    def greedy(
        self, model: Any, params: Any, source: np.ndarray, mask: np.ndarray, begin: int, length: int
    ) -> np.ndarray:
        """Reversed in as many rows as there were updates; in the others no token is right."""
        weight = params["weight"].item()
        self.decoded.append((weight, source))
        target = np.zeros((len(source), length), np.int32)
        for row in range(int(weight)):
            backwards = source[row][mask[row]][::-1]
            target[row, : len(backwards) + 1] = [*backwards, END]
        return target

    def Trainer(
        self,
        family: str,
        model: Any,
        params: Any,
        stream: Any,
        optimizer: Any,
        steps: int,
        seed: int,
        moments: Any = None,
    ) -> Any:
        self.trainers.append((family, model, optimizer, steps, seed))
        return RecordingTrainer(self, params, stream, optimizer.accumulate)


@dataclass
class RecordingTrainer:
    loop: RecordingLoop
    weights: dict[str, np.ndarray]
    stream: Any
    accumulate: int

    def step(self, number: int) -> dict[str, float]:
        batches = range(number * self.accumulate, (number + 1) * self.accumulate)
        self.loop.trained_on += map(self.stream, batches)
        self.weights = {"weight": self.weights["weight"] + 1.0}
        return {"loss": 1.0, "gradient_norm": 1.0}

    def params(self) -> dict[str, np.ndarray]:
        return self.weights

    def moments(self) -> dict[str, dict[str, np.ndarray]]:
        return {}
