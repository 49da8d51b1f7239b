"""The mechanism's measures, on networks made by hand whose waves are known."""

import math

import numpy as np
import pytest

from study.grok import mechanism
from study.grok.settings import Operation, Settings
from study.grok.task import Task, make_task

N = 13
BIAS = np.random.default_rng(2).standard_normal(N)


def wave(frequency: int, shift: float = 0.0, count: int = N) -> np.ndarray:
    return np.cos(2.0 * np.pi * frequency * np.arange(count) / count + shift)


def by_waves(task: Task, frequencies: list[int]) -> np.ndarray:
    """Logits cos(w (s - c)) at these frequencies, s the result of each pair; and a constant for each c."""
    count = len(task.elements)
    place = np.full(N, -1)
    place[task.elements] = np.arange(count)
    apart = place[task.labels][:, None] - np.arange(count)[None, :]
    logits = np.tile(BIAS, (len(task.ids), 1))
    logits[:, task.elements] += 5.0 * sum(np.cos(2 * np.pi * k * apart / count) for k in frequencies)
    return logits


def task_of(operation: Operation = "add") -> Task:
    return make_task(Settings(prime=N, operation=operation, fraction=0.5, batch=0), seed=0)


@pytest.mark.parametrize("frequency", [1, 4, 6])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_a_pure_cosine_has_one_key_frequency(frequency: int, shift: float) -> None:
    embedding = np.stack([wave(frequency, shift), 2.0 * wave(frequency, shift + 0.5)], axis=1)
    norms = mechanism.fourier_norms(embedding)
    assert mechanism.key_frequencies(norms) == [frequency]
    assert norms[frequency - 1] == pytest.approx(math.sqrt(5.0 * N / 2.0))
    assert np.delete(norms, frequency - 1) == pytest.approx(0.0, abs=1e-12)


def test_the_norms_hold_all_of_an_embedding_but_its_mean() -> None:
    for count in (12, 13):  # of an even number of elements the highest frequency has no sine
        embedding = np.random.default_rng(0).standard_normal((count, 5))
        power = np.square(mechanism.fourier_norms(embedding)).sum()
        assert power == pytest.approx(np.square(embedding - embedding.mean(axis=0)).sum())
    embedding = np.random.default_rng(0).standard_normal((97, 128))
    assert mechanism.key_frequencies(mechanism.fourier_norms(embedding)) == []


def test_gini_is_0_for_equal_norms_and_near_1_for_one_alone() -> None:
    assert mechanism.gini(np.ones(8)) == pytest.approx(0.0)
    assert mechanism.gini(np.eye(8)[3]) == pytest.approx(7 / 8)
    assert mechanism.gini(np.array([1.0, 3.0])) == pytest.approx(0.25)


def test_the_weight_norm_is_of_all_weights_together() -> None:
    params = {"a": np.array([[3.0, 0.0]], np.float32), "b": np.array([4.0], np.float32)}
    assert mechanism.weight_norm(params) == 5.0


def test_losses_are_those_of_cross_entropy() -> None:
    logits = np.array([[1000.0, 0.0], [0.0, 0.0]], np.float32)
    assert mechanism.losses(logits, np.array([1, 0])) == pytest.approx([1000.0, math.log(2.0)])


@pytest.mark.parametrize("operation", ["add", "subtract", "divide"])
def test_of_a_network_of_key_waves_alone_nothing_is_restricted_away(operation: Operation) -> None:
    task = task_of(operation)
    logits, keys = by_waves(task, [2, 5]), [2, 5]
    inside = task.by_result.reshape(-1)
    whole = mechanism.losses(logits, task.labels)[inside].mean()
    means = mechanism.mean_by_result(logits, task.by_result)
    labels = task.labels[task.by_result[:, 0]]
    assert mechanism.restricted_loss(means, labels, keys) == pytest.approx(whole, abs=1e-12)
    assert whole < 0.5  # it computes the results
    results = np.repeat(np.arange(len(task.elements)), len(task.elements))
    rows = (logits[inside], task.labels[inside], results)
    left = mechanism.excluded_loss(*rows, means, keys)
    assert left == pytest.approx(mechanism.losses(np.tile(BIAS, (len(inside), 1)), rows[1]).mean())
    assert mechanism.excluded_loss(*rows, means, [1]) == pytest.approx(whole, abs=1e-12)
    # With one key frequency taken for another, all that it computed is gone.
    assert mechanism.restricted_loss(means, labels, [1, 3]) > 2.0


def test_what_was_learned_by_heart_is_restricted_away_and_not_excluded() -> None:
    task = task_of()
    logits = 20.0 * np.eye(N)[task.labels]
    logits[task.test] = np.random.default_rng(0).standard_normal((len(task.test), N))
    noise = np.random.default_rng(1).permutation(len(logits))  # by heart: no wave of a + b
    shuffled = 20.0 * np.eye(N)[task.labels[noise]]
    means = mechanism.mean_by_result(shuffled, task.by_result)
    labels = task.labels[task.by_result[:, 0]]
    assert mechanism.restricted_loss(means, labels, [2, 5]) > 2.0
    results = np.zeros(len(logits), int)
    results[task.by_result] = np.arange(N)[:, None]
    heart = mechanism.excluded_loss(shuffled, task.labels[noise], results, means, [2, 5])
    assert heart < 1e-3


def test_waves_are_a_projection() -> None:
    means = np.random.default_rng(0).standard_normal((N, 4))
    every = range(1, N // 2 + 1)
    assert mechanism.waves(means, every, constant=True) == pytest.approx(means)
    assert mechanism.waves(means, [], constant=True) == pytest.approx(
        np.broadcast_to(means.mean(axis=0), means.shape)
    )
    once = mechanism.waves(means, [3], constant=False)
    assert mechanism.waves(once, [3], constant=False) == pytest.approx(once)
    assert mechanism.waves(once, [2, 4], constant=True) == pytest.approx(0.0, abs=1e-12)
    expected = sum(
        np.outer(wave(3, shift), wave(3, shift) @ means) * 2.0 / N for shift in (0.0, -math.pi / 2.0)
    )
    assert once == pytest.approx(expected)
