"""The table of a ∘ b: every pair once, the right result, a split that both frameworks share; milestones."""

import math
from dataclasses import replace

import numpy as np
import pytest

from study.grok.milestones import RESTRICTED, TEST_90, TEST_95, TEST_LOSS, TRAIN, Spread, milestones, spread
from study.grok.settings import Operation, Settings
from study.grok.task import group, make_task
from train.config import ConfigError

OPERATIONS: tuple[Operation, ...] = ("add", "subtract", "divide")
SMALL = Settings(prime=11, fraction=0.5, batch=0)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_pair_is_there_once_with_its_result(operation: Operation) -> None:
    task = make_task(replace(SMALL, operation=operation), seed=0)
    a, b, sign = task.ids.T
    lowest = 1 if operation == "divide" else 0
    assert sorted(zip(a, b, strict=True)) == [(x, y) for x in range(11) for y in range(lowest, 11)]
    assert (sign == 11).all()
    for x, y, c in zip(a.tolist(), b.tolist(), task.labels.tolist(), strict=True):
        assert {"add": x + y - c, "subtract": x - y - c, "divide": c * y - x}[operation] % 11 == 0
        assert 0 <= c < 11


@pytest.mark.parametrize("operation", OPERATIONS)
def test_training_and_test_pairs_are_disjoint_and_all(operation: Operation) -> None:
    settings = replace(SMALL, operation=operation, fraction=0.3)
    task = make_task(settings, seed=5)
    assert sorted([*task.train, *task.test]) == list(range(settings.pairs))
    assert len(task.train) == int(0.3 * settings.pairs)
    others = [make_task(settings, seed).train.tolist() for seed in (5, 6)]
    assert task.train.tolist() == others[0] != others[1]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_rows_of_one_result_are_those_pairs(operation: Operation) -> None:
    task = make_task(replace(SMALL, operation=operation), seed=0)
    rows = task.labels[task.by_result]
    assert (rows == task.elements[:, None]).all()
    assert len(np.unique(task.by_result)) == task.by_result.size == len(task.elements) ** 2
    (left,) = np.nonzero(~np.isin(np.arange(len(task.ids)), task.by_result))
    assert (task.ids[left, 0] == 0).all() and len(left) == (10 if operation == "divide" else 0)


def test_powers_of_a_generator_are_all_numbers_but_0() -> None:
    assert sorted(group(13, "divide")) == list(range(1, 13))
    assert group(13, "divide").tolist()[:3] == [1, 2, 4]
    assert group(7, "divide").tolist() == [1, 3, 2, 6, 4, 5]  # 2 has three powers alone


def test_batches_are_training_pairs_and_an_epoch_has_none_twice() -> None:
    task = make_task(replace(SMALL, batch=20), seed=1)
    batches = task.batches(0, 6)
    assert batches.shape == (6, 20) and np.isin(batches, task.train).all()
    assert len(np.unique(batches[:3])) == 60 == len(task.train)
    assert (task.batches(4, 2) == batches[4:]).all()
    full = make_task(SMALL, seed=1)
    assert (np.sort(full.batches(7, 1)[0]) == full.train).all()


def test_random_labels_are_drawn_for_each_pair() -> None:
    plain, drawn = (make_task(replace(SMALL, random_labels=random), seed=0) for random in (False, True))
    assert (plain.ids == drawn.ids).all() and (plain.train == drawn.train).all()
    assert set(drawn.labels) == set(range(11)) and (drawn.labels == plain.labels).mean() < 0.25
    assert (drawn.labels != make_task(replace(SMALL, random_labels=True), seed=1).labels).any()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"prime": 91}, "prime=91: give a prime from 5 to 251"),
        ({"prime": 257}, "prime=257: give a prime"),
        ({"prime": -7}, "prime=-7: give a prime"),
        ({"fraction": 0.0}, "fraction=0.0: give a share between 0 and 1"),
        ({"fraction": 1.0}, "fraction=1.0: give a share between 0 and 1"),
        ({"fraction": math.nan}, "fraction=nan: give a share between 0 and 1"),
        (
            {"fraction": 0.001},
            "fraction=0.001: it trains on 0 of 121 pairs; give a share that trains on 11 or more",
        ),
        ({"fraction": 0.09}, "it trains on 10 of 121 pairs"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1: give 0 or more"),
        ({"weight_decay": math.nan}, "weight_decay=nan: give 0 or more"),
        ({"weight_decay": math.inf}, "weight_decay=inf: give 0 or more"),
        ({"batch": 61}, "batch=61: there are 60 training pairs; give no more, or 0 for all"),
        ({"batch": -1}, "batch=-1: there are 60"),
        ({"steps": 0}, "steps=0: give 1 or more"),
        ({"every": 0}, "every=0: give 1 or more"),
    ],
)
def test_settings_of_no_use_are_refused(changed: dict, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        replace(SMALL, **changed).check()
    assert said in str(refused.value)


def test_settings_at_the_edge_are_taken() -> None:
    for changed in ({"prime": 5}, {"prime": 251}, {"fraction": 0.999}, {"weight_decay": 0.0}, {"batch": 60}):
        replace(SMALL, **changed).check()


def test_milestones_are_the_first_evaluations_that_reach_them() -> None:
    curve = {
        "step": [0.0, 10.0, 20.0, 30.0, 40.0],
        "train_accuracy": [0.1, 0.98, 0.99, 0.5, 1.0],
        "test_accuracy": [0.1, 0.2, 0.9, 0.95, 0.94],
        "test_loss": [4.0, 9.0, 2.5, 2.0, 0.1],
        "restricted_loss": [4.0, 2.2, 2.0, 1.0, 0.1],
    }
    assert milestones(curve, 97) == {TRAIN: 20, TEST_90: 20, TEST_95: 30, RESTRICTED: 10, TEST_LOSS: 30}
    never = milestones(curve | {"test_accuracy": [0.1] * 5}, 97)
    assert never[TEST_95] is None and never[TRAIN] == 20
    del curve["restricted_loss"]
    assert RESTRICTED not in milestones(curve, 97)


def test_median_and_range_count_a_seed_that_never_came_as_the_latest() -> None:
    assert spread([30, 10, 20]) == Spread(20.0, 10, 30)
    assert spread([30, 10]) == Spread(20.0, 10, 30)
    assert spread([None, 10, 20]) == Spread(20.0, 10, None)
    assert spread([None, 10, None]) == Spread(None, 10, None)
    assert spread([None]) == Spread(None, None, None)
    shown = [str(spread(steps)) for steps in ([1500, 2000, 900], [None, 10, 20], [None], [1500])]
    assert shown == ["1,500 (900 to 2,000)", "20 (10 to never)", "never", "1,500"]
