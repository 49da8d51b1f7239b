"""The two training loops: the same updates from the same start."""

from typing import Any

import numpy as np
import pytest

from data import TextBatch
from jax_impl.config import (
    ClassifierConfig,
)
from torch_impl import optimizer
from train.architecture import Architecture
from train.config import FRAMEWORKS, Optimizer
from train.loops import torch_loop
from train.loops.backend import backend
from train.loops.jax_loop import parameter_shapes

SIZES: dict[str, Any] = {
    "vocab": 40,
    "max_positions": 8,
    "embed": 16,
    "heads": 2,
    "mlp": 24,
    "layers": 2,
    "dropout": 0.2,
}
MODEL = Architecture("classifier", ClassifierConfig(**SIZES, classes=3))
STEPS = 12
OPTIMIZER = Optimizer(learning_rate=5e-3, clip=0.5, smoothing=0.1)


def stream(step: int) -> TextBatch:
    """Rows whose label is their first token modulo the classes: quickly learned."""
    rng = np.random.default_rng(step)
    ids = rng.integers(0, 40, (16, 8), dtype=np.int32)
    mask = np.arange(8)[None, :] < rng.integers(2, 9, 16)[:, None]
    return TextBatch(ids, mask, ids[:, 0] % 3, np.arange(16, dtype=np.int32))


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    """Twelve steps in each framework, from the weights of one seed."""
    results = {}
    for name, loop in zip(FRAMEWORKS, map(backend, FRAMEWORKS), strict=True):
        first = loop.initial_params(MODEL, 3)
        trainer = loop.Trainer("classifier", MODEL, first, stream, OPTIMIZER, STEPS, 3)
        metrics = [{k: float(v) for k, v in trainer.step(n).items()} for n in range(STEPS)]
        results[name] = {"first": first, "metrics": metrics, "last": trainer.params()}
        results[name] |= trainer.moments()
    return results


def worst(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """The largest error relative to its tensor. The key bias's true gradient is zero: Adam makes steps of
    the learning rate out of its rounding noise, and softmax ignores it, so it is left out."""
    assert ours.keys() == theirs.keys()
    return max(
        float(np.abs(ours[name] - theirs[name]).max() / np.abs(ours[name]).max())
        for name in ours
        if not name.endswith("key/bias")
    )


def test_both_start_from_the_same_weights_to_the_bit(runs: dict[str, dict[str, Any]]) -> None:
    ours, theirs = runs["jax"]["first"], runs["torch"]["first"]
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours)
    assert {name: array.shape for name, array in ours.items()} == parameter_shapes(MODEL)


def test_losses_accuracies_and_gradient_norms_agree_at_every_step(runs: dict[str, dict[str, Any]]) -> None:
    for ours, theirs in zip(runs["jax"]["metrics"], runs["torch"]["metrics"], strict=True):
        assert ours["accuracy"] == pytest.approx(theirs["accuracy"], abs=1e-6)
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
        assert ours["gradient_norm"] == pytest.approx(theirs["gradient_norm"], rel=1e-4)


def test_weights_and_moments_agree_after_training_and_have_moved(runs: dict[str, dict[str, Any]]) -> None:
    ours, theirs = runs["jax"], runs["torch"]
    assert worst(ours["last"], theirs["last"]) < 1e-4
    assert worst(ours["mean"], theirs["mean"]) < 1e-4
    assert worst(ours["square"], theirs["square"]) < 1e-4
    assert worst(ours["last"], ours["first"]) > 1e-2


def test_loss_falls(runs: dict[str, dict[str, Any]]) -> None:
    losses = [row["loss"] for row in runs["jax"]["metrics"]]
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.02


def test_a_step_with_another_decay_is_noticed(
    runs: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decay on biases and norms too, injected in PyTorch, must exceed the bound that healthy loops keep."""
    first = runs["torch"]["first"]
    monkeypatch.setattr(optimizer, "decays", lambda name, config: True)
    trainer = torch_loop.Trainer("classifier", MODEL, first, stream, OPTIMIZER, STEPS, 3)
    for number in range(STEPS):
        trainer.step(number)
    assert worst(runs["jax"]["last"], trainer.params()) > 1e-4


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_evaluation_is_without_dropout_and_agrees(name: str, runs: dict[str, dict[str, Any]]) -> None:
    loop, params = backend(name), runs["jax"]["last"]
    batch = stream(99)
    (row,) = loop.evaluate("classifier", loop.build_model(MODEL), params, [batch])
    outputs = loop.outputs(loop.build_model(MODEL), params)
    logits = outputs(batch.ids, batch.mask).astype(np.float64)
    right = logits[np.arange(16), batch.labels] - np.log(np.exp(logits).sum(axis=1))
    assert row["loss"] == pytest.approx(-right.mean(), rel=1e-5)
    assert row["accuracy"] == pytest.approx((logits.argmax(axis=1) == batch.labels).mean())
