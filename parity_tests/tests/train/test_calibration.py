"""A classifier that ends as sure as it is right."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from rich.console import Console

from parity_tests.tests.train.marked_tasks import MODELS, config, marked_data, task_of
from train.config import ConfigError
from train.loops.backend import backend
from train.resume import resume
from train.runs import checkpoint
from train.runs.metrics import read_metrics
from train.start import train
from train.tasks.calibration import SCALES, calibrated, fitted
from train.tasks.classifier_report import scores

WITH = replace(MODELS["classifier"], ngram_buckets=64)
EXAMPLES, CLASSES = 40_000, 3


def voices(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, EXAMPLES, CLASSES))


def drawn(logits: np.ndarray, seed: int) -> np.ndarray:
    """Labels as likely as the logits say."""
    gumbel = np.random.default_rng(seed).gumbel(size=logits.shape)
    return (logits + gumbel).argmax(axis=1).astype(np.int32)


@pytest.mark.parametrize("scales", [(1.0, 1.0), (0.3, 2.0), (1.7, 0.1)])
def test_the_scales_that_labels_were_drawn_by_are_found(scales: tuple[float, float]) -> None:
    """To 0.05, about three standard errors at 40,000 texts."""
    alone = voices(0)
    found = fitted(alone, drawn(np.tensordot(scales, alone, 1), 1))
    np.testing.assert_allclose(found, scales, atol=0.05)


def test_a_voice_that_knows_nothing_is_nearly_silenced() -> None:
    alone = voices(2)
    found = fitted(alone, drawn(alone[0], 3))
    assert found[1] < 0.05 and found[0] == pytest.approx(1.0, abs=0.05)
    assert fitted(-alone, drawn(alone[0], 3))[0] == SCALES[0]  # wrong whenever it is sure


@pytest.mark.parametrize("texts", [1, 3, 30])
def test_few_texts_that_are_all_right_make_no_model_infinitely_sure(texts: int) -> None:
    """Of n texts of each of two classes, (n + 1) / (n + 2) are to be right (Platt 1999)."""
    labels = np.repeat(np.arange(2, dtype=np.int32), texts)
    alone = (2.0 * np.eye(2)[labels] - 1.0)[None]
    (scale,) = fitted(alone, labels)
    assert 1 / (1 + np.exp(-2 * scale)) == pytest.approx((texts + 1) / (texts + 2), abs=1e-4)


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_scaled_weights_are_scaled_logits(framework: Any) -> None:
    task, loop = task_of("classifier", model=WITH, calibrated=True), backend(framework)
    labels = task.texts.validation.labels
    params = task.initial_params(loop) | {"head/bias": np.array([0.5, -1.0, 0.2], np.float32)}
    after = task.finished(loop, params)
    changed = {name for name in params if not np.array_equal(params[name], after[name])}
    ngrams = {"ngrams/token_ratios", "ngrams/pair_ratios"}
    assert changed == ngrams | {"head/kernel", "head/bias"}

    def logits(weights: Any) -> np.ndarray:
        return np.asarray(task.logits(loop, weights, "validation"), np.float64)

    muted = logits(params | {name: 0 * params[name] for name in ngrams})
    alone = np.stack([muted, logits(params) - muted])
    expected = np.tensordot(fitted(alone, labels), alone, 1)
    np.testing.assert_allclose(logits(after), expected, atol=1e-3 * np.abs(expected).max())
    assert scores(logits(after), labels)["loss"] < scores(logits(params), labels)["loss"]


def test_without_ngrams_no_answer_changes() -> None:
    task, loop = task_of("classifier", calibrated=True), backend("torch")
    params = task.initial_params(loop)
    after = task.finished(loop, params)
    before, now = (task.logits(loop, weights, "test").argmax(axis=1) for weights in (params, after))
    np.testing.assert_array_equal(before, now)
    assert not np.array_equal(params["head/kernel"], after["head/kernel"])


def test_the_test_split_is_not_looked_at() -> None:
    task, loop = task_of("classifier", model=WITH, calibrated=True), backend("torch")
    seen = []
    with mock.patch.object(type(task), "logits", lambda *_: seen.append(_[-1]) or np.zeros((40, 3))):
        task.finished(loop, task.initial_params(loop))
    assert seen == ["validation", "validation"]


def test_dtypes_stay() -> None:
    params = {"head/kernel": np.ones((2, 2), np.float32), "head/bias": np.zeros(2, np.float64)}
    labels = np.array([0, 1, 1], np.int32)
    after = calibrated(params, lambda weights: np.eye(2)[labels] * weights["head/kernel"][0, 0], labels)
    assert {name: array.dtype for name, array in after.items()} == {
        name: array.dtype for name, array in params.items()
    }


def run(out: Path, **changes: Any) -> dict[str, Any]:
    settings = config("classifier", model=WITH, epochs=2, **changes)
    with marked_data():
        return train(settings, ["torch"], out, None, True, Console(quiet=True))["torch"]


def weights(out: Path) -> dict[str, np.ndarray]:
    shapes = backend("torch").parameter_shapes(task_of("classifier", model=WITH).architecture)
    return checkpoint.load(out / "torch", shapes, out)


def test_a_run_ends_with_scaled_weights_and_its_report_is_of_them(tmp_path: Path) -> None:
    plain, report = run(tmp_path / "plain"), run(tmp_path / "calibrated", calibrated=True)
    task, loop = task_of("classifier", model=WITH, calibrated=True), backend("torch")
    ended, expected = weights(tmp_path / "calibrated"), task.finished(loop, weights(tmp_path / "plain"))
    assert ended.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(ended[name], array)
    assert report["validation"] == task.scores(loop, expected, "validation")
    assert report["validation"]["loss"] < plain["validation"]["loss"]
    assert report["trained"] == scores(task.logits(loop, expected, "test"), task.texts.test.labels)
    rows = read_metrics(tmp_path / "calibrated" / "torch")
    assert rows[-1]["validation_loss"] == pytest.approx(report["validation"]["loss"])


@pytest.mark.parametrize("place", ["train.loops.fit.read", "train.loops.fit.digests.of_files"])
def test_an_interrupted_run_ends_alike_and_is_scaled_once(place: str, tmp_path: Path) -> None:
    """Before its first epoch ends; and with its last checkpoint on the disk, but no report."""
    run(tmp_path / "whole", calibrated=True)
    with mock.patch(place, side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", calibrated=True)
    with marked_data():
        resume(tmp_path / "cut", None, None, None, None, True, Console(quiet=True))
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    for name, array in whole.items():
        np.testing.assert_array_equal(cut[name], array)


def test_a_language_model_has_no_such_setting() -> None:
    with pytest.raises(ConfigError, match="calibrated=True: gpt tells no classes apart; leave it out"):
        config("gpt", calibrated=True).check()
