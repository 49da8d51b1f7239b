"""Learning rates: each schedule against optax's or PyTorch's, and by hand at its edges."""

from typing import Any, get_args, get_type_hints

import jax
import numpy as np
import optax
import pytest
import torch
from torch.optim import lr_scheduler

from train.config import FALLING, Optimizer
from train.loops.schedule import learning_rate

PEAK, STEPS = 2.0, 20
SCHEDULES = get_args(get_type_hints(Optimizer)["schedule"])
# The last of 20 steps after 4 of warm-up, with 1/16 of the fall to go, and without warm-up, with 1/20.
LAST = {
    "constant": (2.0, 2.0),
    "linear": (2.0 / 16, 2.0 / 20),
    "cosine": (1.0 - np.cos(np.pi / 16), 1.0 - np.cos(np.pi / 20)),
    "inverse_sqrt": (2.0 * (4 / 20) ** 0.5, 2.0 * (1 / 20) ** 0.5),
    "triangular": (2.0, 0.0),  # five sides; without warm-up a side has one step
}


def rates(schedule: Any, warmup: int, steps: int = STEPS, least: float = 0.0) -> list[float]:
    """The learning rates of all steps, after so many of warm-up."""
    settings = Optimizer(
        learning_rate=PEAK, warmup=warmup / steps, schedule=schedule, min_learning_rate=least
    )
    return [learning_rate(step, steps, settings) for step in range(steps)]


def test_every_schedule_is_tested() -> None:
    assert set(LAST) == set(SCHEDULES)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_warmup_rises_to_the_peak_in_equal_steps(schedule: str) -> None:
    got = rates(schedule, 4)
    np.testing.assert_allclose(got[:4], [0.5, 1.0, 1.5, 2.0], rtol=1e-15)
    assert max(got) == PEAK


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_warmup_begins_at_the_peak(schedule: str) -> None:
    assert rates(schedule, 0)[0] == PEAK
    assert rates(schedule, 0, steps=1) == [PEAK]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_last_step(schedule: str) -> None:
    for warmup, last in zip((4, 0), LAST[schedule], strict=True):
        assert rates(schedule, warmup)[-1] == pytest.approx(last, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warmup_of_all_steps_but_one(schedule: str) -> None:
    """The one step is the first after the peak: at it, but where the fall has begun by then."""
    begun = {"inverse_sqrt": (19 / 20) ** 0.5, "triangular": 18 / 19}
    got = rates(schedule, 19)
    np.testing.assert_allclose(got[:19], PEAK * np.arange(1, 20) / 19, rtol=1e-15)
    assert got[19] == pytest.approx(PEAK * begun.get(schedule, 1.0), rel=1e-12)


@pytest.mark.parametrize("least", [0.0, 0.25, PEAK])
@pytest.mark.parametrize("warmup", [0, 1, 4, 19])
@pytest.mark.parametrize("schedule", ["constant", *FALLING])
def test_the_falling_ones_are_optax_s(schedule: str, warmup: int, least: float) -> None:
    """Joined at the end of warm-up; optax's own rise starts from zero, ours one step later."""
    left = STEPS - warmup
    theirs = {
        "constant": optax.constant_schedule(PEAK),
        "linear": optax.linear_schedule(PEAK, least, left),
        "cosine": optax.cosine_decay_schedule(PEAK, left, alpha=least / PEAK),
    }[schedule]
    rise = optax.linear_schedule(0.0, PEAK, max(warmup, 1))
    with jax.enable_x64(True):
        expected = [
            float(rise(step + 1) if step < warmup else theirs(step - warmup)) for step in range(STEPS)
        ]
    np.testing.assert_allclose(rates(schedule, warmup, least=least), expected, rtol=1e-12)


@pytest.mark.parametrize("least", [0.0, 0.25, PEAK])
@pytest.mark.parametrize("schedule", FALLING)
def test_the_falling_ones_are_pytorch_s(schedule: str, least: float) -> None:
    method = torch.optim.SGD([torch.zeros(1)], lr=PEAK)
    theirs: Any = {
        "linear": lambda: lr_scheduler.LinearLR(method, 1.0, least / PEAK, STEPS),
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(method, STEPS, eta_min=least),
    }[schedule]()
    expected = []
    for _ in range(STEPS):
        expected.append(theirs.get_last_lr()[0])
        method.step()
        theirs.step()
    np.testing.assert_allclose(rates(schedule, 0, least=least), expected, rtol=1e-12)


@pytest.mark.parametrize("schedule", FALLING)
def test_a_smallest_rate_that_is_forgotten_or_added_is_noticed(schedule: str) -> None:
    right, forgotten = rates(schedule, 4, least=0.25), rates(schedule, 4)
    added = [rate + 0.25 for rate in forgotten]
    assert right[:5] == forgotten[:5]  # warm-up, and the peak
    for wrong in (forgotten, added):
        assert all(abs(ours - theirs) > 1e-3 for ours, theirs in zip(right[5:], wrong[5:], strict=True))
    assert min(right[4:]) > 0.25


@pytest.mark.parametrize("warmup", [1, 4, 5, 19])
def test_the_triangles_are_pytorch_s(warmup: int) -> None:
    """Its cycles start at the base, here zero: our first step is its second."""
    method = torch.optim.SGD([torch.zeros(1)], lr=0.0)
    theirs = lr_scheduler.CyclicLR(method, 0.0, PEAK, warmup, cycle_momentum=False)
    expected = []
    for _ in range(STEPS):
        method.step()
        theirs.step()
        expected.append(theirs.get_last_lr()[0])
    np.testing.assert_allclose(rates("triangular", warmup), expected, rtol=1e-12, atol=1e-14)


def test_a_schedule_off_by_one_is_noticed() -> None:
    """The bounds above tell neighbours apart wherever the rate moves."""
    for schedule in SCHEDULES:
        got = rates(schedule, 4)
        assert not np.allclose(got[1:], got[:-1], rtol=1e-12), schedule


@pytest.mark.parametrize(
    ("warmup", "rates"),
    [
        (0.25, [0.5, 1.0, 1.5, 2.0, 1.788854, 1.632993, 1.511858, 1.414214]),
        (0.0, [2.0, 1.414214, 1.154701, 1.0]),
    ],
)
def test_the_inverse_square_root_by_hand(warmup: float, rates: list[float]) -> None:
    optimizer = Optimizer(learning_rate=2.0, warmup=warmup, schedule="inverse_sqrt")
    got = [learning_rate(step, 16, optimizer) for step in range(len(rates))]
    np.testing.assert_allclose(got, rates, rtol=1e-6)


def test_the_inverse_square_root_is_the_original_transformer_s() -> None:
    """Its base model: width 512, 4,000 of 100,000 steps of warm-up; a peak of 7e-4."""
    embed, warmup, steps = 512, 4000, 100_000
    peak = (embed * warmup) ** -0.5
    optimizer = Optimizer(learning_rate=peak, warmup=warmup / steps, schedule="inverse_sqrt")
    for number in (1, 2, 1000, 3999, 4000, 4001, 16_000, 100_000):
        paper = embed**-0.5 * min(number**-0.5, number * warmup**-1.5)
        assert learning_rate(number - 1, steps, optimizer) == pytest.approx(paper, rel=1e-12)
    assert peak == pytest.approx(6.99e-4, rel=1e-3)
