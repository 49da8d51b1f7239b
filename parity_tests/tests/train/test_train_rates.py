"""What a trainer does with a step: its rate, its batches, its key, its smoothing, in both frameworks.

The model is one bias, and the loss is the bias times a number of the batch's: the gradient is that number,
and the bias goes by the rate. What else the trainer hands to the objective comes back as metrics.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from torch.optim import lr_scheduler

from data import TextBatch
from jax_impl.objectives import OBJECTIVES as JAX_OBJECTIVES
from torch_impl.objectives import OBJECTIVES as TORCH_OBJECTIVES
from train.config import FRAMEWORKS, Optimizer
from train.loops.backend import backend

STEPS, RISE, PEAK = 20, 4, 0.5
SGD = Optimizer(
    method="sgd", beta1=0.0, weight_decay=0.0, clip=np.inf, learning_rate=PEAK, warmup=RISE / STEPS
)
ADAMW = replace(SGD, method="adamw", beta1=0.9)
LEFT = STEPS - RISE

pytestmark = [
    pytest.mark.parametrize("framework", FRAMEWORKS),
    pytest.mark.usefixtures("unchecked"),  # the model is no model
]


class OneBias(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.ParameterDict({"bias": torch.zeros(1)})  # a name that the converter knows


class Architecture:
    def build(self, package: str) -> Any:
        """JAX's objective reads the bias off the parameters."""
        return OneBias() if package == "torch_impl" else "one bias"


def in_jax(model: Any, params: Any, batch: Any, rng: Any, smoothing: float) -> Any:
    bias = params["norm"]["bias"].sum()
    number = batch.labels.sum().astype(bias.dtype)
    words = jnp.zeros(2) if rng is None else jax.random.key_data(rng).astype(bias.dtype)
    given = {"number": number, "training": jnp.float64(rng is not None), "smoothing": jnp.float64(smoothing)}
    return bias * number, given | {"first": words[0], "second": words[1]}


def in_torch(model: Any, batch: Any, rng: Any, smoothing: float) -> Any:
    bias = model.norm["bias"].sum()
    number = batch.labels.sum().to(bias.dtype)
    words = [float(word) for word in rng or (0, 0)]
    given = {"number": number, "training": float(rng is not None), "smoothing": smoothing}
    given |= {"first": words[0], "second": words[1]}
    return bias * number, {name: torch.as_tensor(value, dtype=torch.float64) for name, value in given.items()}


@pytest.fixture(autouse=True)
def made_up() -> Iterator[None]:
    with (
        jax.enable_x64(True),
        mock.patch.dict(JAX_OBJECTIVES, made_up=in_jax),
        mock.patch.dict(TORCH_OBJECTIVES, made_up=in_torch),
    ):
        yield


def batch(number: int) -> TextBatch:
    """Of one text, whose label is the number."""
    return TextBatch(
        np.zeros((1, 2), np.int32), np.ones((1, 2), bool), np.full(1, number, np.int32), np.zeros(1, np.int32)
    )


def numbered(number: int) -> TextBatch:
    return batch(number + 1)


def alike(number: int) -> TextBatch:
    return batch(1)


def trained(
    framework: str,
    stream: Callable[[int], TextBatch],
    optimizer: Optimizer,
    seed: int = 0,
    steps: int = STEPS,
) -> tuple[np.ndarray, list[dict[str, float]]]:
    """How far the bias has gone after each step, and the metrics of each."""
    loop: Any = backend(framework)  # type: ignore[arg-type]
    trainer = loop.Trainer(
        "made_up", Architecture(), {"norm/bias": np.zeros(1)}, stream, optimizer, steps, seed
    )
    metrics, places = [], []
    for number in range(steps):
        metrics.append({name: float(value) for name, value in trainer.step(number).items()})
        places.append(-trainer.params()["norm/bias"].item())
    return np.array(places), metrics


def rising(then: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """From 1/RISE of the peak to the peak, which the first step after has too."""

    def joined(method: Any) -> Any:
        rise = lr_scheduler.LinearLR(method, 1 / RISE, 1.0, RISE - 1)
        return lr_scheduler.SequentialLR(method, [rise, then(method)], [RISE])

    return joined


PYTORCH_S = {
    "constant": rising(lambda method: lr_scheduler.ConstantLR(method, 1.0)),
    "linear": rising(lambda method: lr_scheduler.LinearLR(method, 1.0, 0.0, LEFT)),
    "cosine": rising(lambda method: lr_scheduler.CosineAnnealingLR(method, LEFT)),
    # The paper's: of a step counted from 1, the smaller of two (Vaswani et al. 2017, eq. 3).
    "inverse_sqrt": lambda method: lr_scheduler.LambdaLR(
        method, lambda step: RISE**0.5 * min((step + 1) ** -0.5, (step + 1) * RISE**-1.5)
    ),
}
OPTAX_S = {
    "constant": optax.constant_schedule(PEAK),
    "linear": optax.linear_schedule(PEAK, 0.0, LEFT),
    "cosine": optax.cosine_decay_schedule(PEAK, LEFT),
}


@pytest.mark.parametrize("optimizer", [SGD, ADAMW], ids=["sgd", "adamw"])
@pytest.mark.parametrize("schedule", PYTORCH_S)
def test_each_update_goes_by_its_rate_as_with_pytorch_s_schedulers(
    schedule: Any, optimizer: Optimizer, framework: str
) -> None:
    parameter = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    method: Any = torch.optim.SGD([parameter], lr=PEAK)
    if optimizer.method == "adamw":
        betas = (optimizer.beta1, optimizer.beta2)
        method = torch.optim.AdamW([parameter], PEAK, betas, optimizer.eps, weight_decay=0.0)
    scheduler = PYTORCH_S[schedule](method)
    places = []
    for _ in range(STEPS):
        parameter.grad = torch.ones_like(parameter)
        method.step()
        scheduler.step()
        places.append(-parameter.item())
    ours, _ = trained(framework, alike, replace(optimizer, schedule=schedule))
    np.testing.assert_allclose(ours, places, rtol=1e-12)


@pytest.mark.parametrize("schedule", OPTAX_S)
def test_each_update_goes_by_its_rate_as_with_optax_s_schedules(schedule: Any, framework: str) -> None:
    rise = optax.linear_schedule(PEAK / RISE, PEAK, RISE - 1)
    method = optax.sgd(optax.join_schedules([rise, OPTAX_S[schedule]], [RISE]))
    place, places = jnp.zeros(()), []
    state = method.init(place)
    for _ in range(STEPS):
        with jax.numpy_dtype_promotion("standard"):  # optax takes the less of an integer and a float
            update, state = method.update(jnp.ones(()), state)
        place = optax.apply_updates(place, update)
        places.append(-float(place))
    ours, _ = trained(framework, alike, replace(SGD, schedule=schedule))
    np.testing.assert_allclose(ours, places, rtol=1e-7)  # its cosine is in float32


def test_triangles_in_a_trainer_are_pytorch_s(framework: str) -> None:
    """Its cycles begin at zero, which is no step of ours."""
    method = torch.optim.SGD([torch.zeros(1)], lr=0.0)
    scheduler = lr_scheduler.CyclicLR(method, 0.0, PEAK, RISE, cycle_momentum=False)
    rates = []
    for _ in range(STEPS):
        method.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
    ours, _ = trained(framework, alike, replace(SGD, schedule="triangular"))
    np.testing.assert_allclose(np.diff(ours, prepend=0.0), rates, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_an_update_takes_the_mean_over_its_own_batches(accumulate: int, framework: str) -> None:
    """Step k has batches k * accumulate and on; it is one update, whatever their number."""
    ours, metrics = trained(framework, numbered, replace(SGD, accumulate=accumulate, schedule="constant"))
    means = accumulate * np.arange(STEPS) + (accumulate + 1) / 2
    rates = PEAK * np.minimum(np.arange(1, STEPS + 1) / RISE, 1.0)
    np.testing.assert_allclose(ours, np.cumsum(rates * means), rtol=1e-12)
    assert [row["number"] for row in metrics] == pytest.approx(means)
    assert [row["gradient_norm"] for row in metrics] == pytest.approx(means)
    before = np.concatenate([[0.0], ours[:-1]])
    assert [row["loss"] for row in metrics] == pytest.approx(-before * means)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_each_batch_has_its_own_key_of_the_run_s_seed(seed: int, accumulate: int, framework: str) -> None:
    """By JAX's own functions: the weights are drawn from the seed itself, dropout from what it folds in."""
    _, metrics = trained(framework, alike, replace(SGD, accumulate=accumulate), seed, steps=5)
    base = jax.random.fold_in(jax.random.key(seed), 1)
    words = np.array(
        [jax.random.key_data(jax.random.fold_in(base, n)) for n in range(5 * accumulate)], np.float64
    )
    expected = words.reshape(5, accumulate, 2).mean(axis=1)
    assert [[row["first"], row["second"]] for row in metrics] == expected.tolist()


def test_training_smooths_and_drops_and_evaluation_does_not(framework: str) -> None:
    loop: Any = backend(framework)  # type: ignore[arg-type]
    _, metrics = trained(framework, numbered, replace(SGD, smoothing=0.3), steps=2)
    assert [(row["training"], row["smoothing"]) for row in metrics] == [(1.0, 0.3)] * 2
    model, params = loop.build_model(Architecture()), {"norm/bias": np.full(1, 2.0)}
    rows = loop.evaluate("made_up", model, params, map(numbered, range(3)))
    assert [(row["training"], row["smoothing"]) for row in rows] == [(0.0, 0.0)] * 3
    assert [row["loss"] for row in rows] == [2.0, 4.0, 6.0]
