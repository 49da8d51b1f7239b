"""Both frameworks' model held together before it trains, and their training compared step by step."""

from collections.abc import Iterator
from typing import Any

from parity_tests.core.trajectory import LOSS, NORM, Step, Trajectory, compare_steps
from parity_tests.twins.registry import Pair
from study.grok import jax_model, jax_side, torch_model, torch_side
from study.grok.settings import Settings
from study.grok.task import make_task
from study.parity import hold
from train.loops.schedule import rates_at
from train.proof.preflight import ParityError
from train.proof.side_by_side import precision

PAIR = Pair(jax_model.ArithmeticTransformer, torch_model.ArithmeticTransformer)
ROWS = 64  # of the table, at which the models are compared
STEPS = 300  # that both take from one start
MARKS = (1, 10, 100)  # after which, and after the last, the record says how far apart they are


def check_model(settings: Settings) -> dict[str, Any]:
    """Hold the twins of the configured model together in float64: logits, taps, gradients.

    Returns how many checks there were, and their largest relative error. Raises ParityError naming the first
    divergence.
    """
    task = make_task(settings, 0)
    ids = task.ids[task.train[:ROWS]]
    return hold("grok", PAIR, {"ids": ids}, {"config": settings.model()})


def trajectory(settings: Settings, dtype: str) -> Trajectory:
    """The first steps of seed 0 in both frameworks, from the same weights, on the same batches."""
    task, optimizer, model = make_task(settings, 0), settings.optimizer(), settings.model()

    def steps(side: Any) -> Iterator[Step]:
        trainer = side.Trainer(model, task, optimizer, params)
        for number in range(min(settings.steps, STEPS)):
            rates = [rates_at(number, settings.steps, optimizer)]
            (loss,), (norm,) = trainer.advance(task.batches(number, 1), rates)
            yield Step(float(loss), float(norm), trainer.params())

    with precision(dtype):
        drawn = torch_side.initial_params(model, 0)
        params = {name: array.astype(dtype) for name, array in drawn.items()}
        return compare_steps("grok", dtype, params, steps(jax_side), steps(torch_side))


def compare_training(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """By precision, how far the frameworks are apart after some of the first steps: relative errors.

    Raises ParityError where float64 is further apart than the bound of all trajectories. float32 parts by
    rounding, in time; that is said, and not judged.
    """
    found = {}
    for dtype in ("float64", "float32"):
        both = trajectory(settings, dtype)
        if dtype == "float64" and both.divergence:
            raise ParityError(f"the frameworks train apart: {both.problems()[0]}")
        found[dtype] = [
            {
                "step": one.step,
                "loss": one.errors[LOSS],
                "gradient_norm": one.errors[NORM],
                "parameter": one.errors[one.worst_parameter],
            }
            for one in both.step_errors
            if one.step in (*MARKS, len(both.step_errors))
        ]
    return found
