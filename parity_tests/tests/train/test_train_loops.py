"""The two training loops: the same updates from the same start, and portable to GPU and TPU."""

from typing import Any

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from jax_impl.config import (
    BertClassifierConfig,
    BertConfig,
    ClassifierConfig,
    GPTClassifierConfig,
    GPTConfig,
    Seq2SeqConfig,
)
from train.architecture import Architecture
from train.config import Optimizer
from train.loops import jax_loop, jax_optimizer, torch_loop, torch_optimizer
from train.loops.frameworks import LOOPS
from train.loops.jax_loop import parameter_shapes
from train.loops.optimizer import rates_at

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


def stream(step: int) -> dict[str, np.ndarray]:
    """Rows whose label is their first token modulo the classes: quickly learned."""
    rng = np.random.default_rng(step)
    ids = rng.integers(0, 40, (16, 8), dtype=np.int32)
    mask = np.arange(8)[None, :] < rng.integers(2, 9, 16)[:, None]
    return {"ids": ids, "mask": mask, "labels": ids[:, 0] % 3}


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    """Twelve steps in each framework, from the weights of one seed."""
    results = {}
    for name, loop in LOOPS.items():
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
    monkeypatch.setattr(torch_optimizer, "decays", lambda name: True)
    trainer = torch_loop.Trainer("classifier", MODEL, first, stream, OPTIMIZER, STEPS, 3)
    for number in range(STEPS):
        trainer.step(number)
    assert worst(runs["jax"]["last"], trainer.params()) > 1e-4


WINDOW = np.zeros((2, 8), np.int32)
ONES = np.ones((2, 8), np.float32)
TRAINED: dict[str, tuple[str, Architecture, dict[str, np.ndarray]]] = {
    "classifier": ("classifier", MODEL, stream(0)),
    "fine-tuned bert": (
        "classifier",
        Architecture("bert_classifier", BertClassifierConfig(**SIZES, classes=3)),
        stream(0),
    ),
    "fine-tuned gpt": (
        "classifier",
        Architecture("gpt_classifier", GPTClassifierConfig(**SIZES, classes=3)),
        stream(0),
    ),
    "bert": (
        "bert",
        Architecture("bert_for_masked_lm", BertConfig(**SIZES)),
        {"ids": WINDOW, "masked_positions": WINDOW[:, :2], "labels": WINDOW[:, :2], "weights": ONES[:, :2]},
    ),
    "gpt": ("gpt", Architecture("gpt", GPTConfig(**SIZES)), {"ids": WINDOW, "labels": WINDOW}),
    "llama": (
        "gpt",
        Architecture(
            "gpt",
            GPTConfig(
                **SIZES, position_encoding="rotary", norm="rms", gated=True, use_bias=False, kv_heads=1
            ),
        ),
        {"ids": WINDOW, "labels": WINDOW},
    ),
    "seq2seq": (
        "seq2seq",
        Architecture("encoder_decoder", Seq2SeqConfig(**SIZES)),
        {"source": WINDOW, "source_mask": WINDOW == 0, "target": WINDOW, "labels": WINDOW, "weights": ONES},
    ),
}


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("name", TRAINED)
def test_every_training_step_lowers_for_accelerators(name: str, platform: str) -> None:
    family, architecture, batch = TRAINED[name]
    model = jax_loop.build_model(architecture)
    params = jax.eval_shape(model.init, jax.random.key(0), **jax_loop.smallest_inputs(model))["params"]
    state = jax.eval_shape(lambda: jax_optimizer.init(params, OPTIMIZER))
    gradient = jax.export.export(jax_loop.gradient, platforms=[platform])(
        params, batch, jax.random.key(0), family=family, model=model, optimizer=OPTIMIZER
    )
    update = jax.export.export(jax_loop.update, platforms=[platform])(
        params, state, params, rates_at(0, STEPS, OPTIMIZER), optimizer=OPTIMIZER
    )
    weights = len(flatten_dict(params))
    assert gradient.platforms == update.platforms == (platform,)
    assert len(gradient.out_avals) > weights
    assert len(update.out_avals) == 3 * weights + 1  # with two moments each, and the norm


@pytest.mark.parametrize("name", LOOPS)
def test_evaluation_is_without_dropout_and_agrees(name: str, runs: dict[str, dict[str, Any]]) -> None:
    loop, params = LOOPS[name], runs["jax"]["last"]
    batch = stream(99)
    (row,) = loop.evaluate("classifier", loop.build_model(MODEL), params, [batch])
    outputs = loop.outputs(loop.build_model(MODEL), params)
    logits = outputs(batch["ids"], batch["mask"]).astype(np.float64)
    right = logits[np.arange(16), batch["labels"]] - np.log(np.exp(logits).sum(axis=1))
    assert row["loss"] == pytest.approx(-right.mean(), rel=1e-5)
    assert row["accuracy"] == pytest.approx((logits.argmax(axis=1) == batch["labels"]).mean())
