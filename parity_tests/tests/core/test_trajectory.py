"""Runs held together step by step: what counts as apart, as learning nothing, as standing still."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from parity_tests.core.trajectory import TRAJECTORY_BOUNDS, Step, Trajectory, compare_steps

START = {"head/kernel": np.array([1.0, -2.0]), "attention/key/bias": np.array([0.0])}


def run(noise: float = 0.0, step: int = 3, name: str = "head/kernel", falls: float = 0.1) -> Iterator[Step]:
    """Five steps towards zero, one of which has noise in one parameter; the key bias is all noise."""
    for number in range(1, 6):
        params = {"head/kernel": START["head/kernel"] * 0.9**number}
        params["attention/key/bias"] = np.array([noise + 1e-3])
        if number == step:
            params[name] = params[name] + noise
        yield Step(2.0 - falls * number, 1.0, params)


def hold(candidate: Iterator[Step], reference: Iterator[Step] | None = None) -> Trajectory:
    return compare_steps("toy", "float64", START, reference or run(), candidate)


def test_equal_runs_are_apart_by_nothing() -> None:
    held = hold(run())
    assert held.divergence is None and held.problems() == []
    assert held.worst(held.moved) == held.worst(["loss"]) == 0.0
    assert held.losses == (pytest.approx(1.9), pytest.approx(1.5))
    assert held.moved == {"head/kernel": pytest.approx((1 - 0.9**5) / 0.9**5)}
    assert held.step_errors[0].update == pytest.approx(0.1 / 0.9)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_bound_holds_from_both_sides(factor: float) -> None:
    noise = factor * TRAJECTORY_BOUNDS["float64"] * 2 * 0.9**3
    parted = hold(run(noise)).divergence
    assert (parted is not None) == (factor > 1)
    if parted:
        assert (parted.step, parted.names) == (3, ("head/kernel",))
        assert parted.error == pytest.approx(2e-9)


def test_the_key_bias_alone_is_left_out() -> None:
    assert hold(run(0.1, name="attention/key/bias")).problems() == []
    assert hold(run(np.nan)).divergence.names == ("head/kernel",)  # NaN is far apart


def test_the_loss_comes_before_the_update() -> None:
    parted = hold(run(falls=0.2)).divergence
    assert (parted.step, parted.names) == (1, ("loss",))


def test_a_run_that_learns_nothing_proves_nothing() -> None:
    (problem,) = hold(run(falls=0.0), run(falls=0.0)).problems()
    assert "learned nothing" in problem


def test_a_run_that_stands_still_proves_nothing() -> None:
    still = [Step(2.0 - 0.1 * number, 1.0, START) for number in range(5)]
    (problem,) = hold(iter(still), iter(still)).problems()
    assert problem.endswith("about head/kernel: train more steps than 5")


def test_one_run_that_stops_early_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        hold(iter(list(run())[:3]))


def test_json_holds_every_step_and_no_infinity() -> None:
    written = json.loads(json.dumps(hold(run(np.nan)).to_json(), allow_nan=False))
    assert [row["step"] for row in written["steps"]] == [1, 2, 3, 4, 5]
    assert written["steps"][2]["parameter_error"] is None
    assert written["steps"][1]["parameter_error"] == 0.0 and written["bound"] == 1e-9
    assert "diverges first at step 3, every parameter" in written["problems"][0]
