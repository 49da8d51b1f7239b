"""One run: its training in one framework, evaluated on the way."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import numpy as np

from study.grok.milestones import milestones
from study.grok.observed import Curve, Observed
from study.grok.settings import Settings
from study.grok.task import make_task
from study.record import few
from train.config import Framework
from train.loops.schedule import rates_at


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

    Raises FloatingPointError where a loss or a logit is not finite.
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
