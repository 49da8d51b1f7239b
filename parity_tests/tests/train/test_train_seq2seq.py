"""The encoder-decoder learns to reverse sequences that it never saw, alike in both frameworks."""

from typing import Any

import numpy as np
import pytest

from data.sets.reversal import BEGIN, FIRST_SYMBOL, ReversalBatches, reversal_evaluation
from jax_impl.config import Seq2SeqConfig
from parity_tests.tests.annotations import annotations_unchecked
from train.architecture import Architecture
from train.config import FRAMEWORKS, Optimizer
from train.loops.backend import backend
from train.loops.jax_loop import parameter_shapes

SYMBOLS, SHORTEST, LONGEST = 6, 3, 4
SIZES = {"vocab": FIRST_SYMBOL + SYMBOLS, "max_positions": LONGEST + 1, "embed": 32, "heads": 4, "mlp": 64}
MODEL = Architecture("encoder_decoder", Seq2SeqConfig(**SIZES, layers=1, dropout=0.05))
STEPS, SEED = 350, 0
OPTIMIZER = Optimizer(
    learning_rate=8e-3, warmup=0.15, schedule="inverse_sqrt", weight_decay=0.0, smoothing=0.1
)
TRAIN = ReversalBatches(SYMBOLS, SHORTEST, LONGEST, 64, SEED)
(HELD_OUT,) = reversal_evaluation(SYMBOLS, SHORTEST, LONGEST, 500, 500)


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    """The weights before and after training, and the loss of every step."""
    results = {}
    for name, loop in zip(FRAMEWORKS, map(backend, FRAMEWORKS), strict=True):
        first = loop.initial_params(MODEL, SEED)
        trainer = loop.Trainer("seq2seq", MODEL, first, TRAIN.stream, OPTIMIZER, STEPS, SEED)
        metrics = [trainer.step(0)]
        with annotations_unchecked():  # the first step's were checked, and there are hundreds
            metrics += [trainer.step(number) for number in range(1, STEPS)]
        losses = np.array([float(row["loss"]) for row in metrics])
        results[name] = {"first": first, "losses": losses, "last": trainer.params()}
    return results


def test_both_start_from_the_same_weights_to_the_bit(runs: dict[str, dict[str, Any]]) -> None:
    ours, theirs = runs["jax"]["first"], runs["torch"]["first"]
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours)
    assert {name: array.shape for name, array in ours.items()} == parameter_shapes(MODEL)


def test_the_losses_stay_together(runs: dict[str, dict[str, Any]]) -> None:
    """Rounding grows while the weights move fast, as in any training; the curves stay on each other."""
    gap = np.abs(runs["jax"]["losses"] - runs["torch"]["losses"])
    assert gap[0] < 1e-6 and gap[:20].max() < 1e-4
    assert gap.max() < 0.1


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_unseen_sequences_are_reversed(name: str, runs: dict[str, dict[str, Any]]) -> None:
    loop, model = backend(name), backend(name).build_model(MODEL)
    shares = {}
    for weights in ("first", "last"):
        params = runs[name][weights]
        decoded = loop.greedy(model, params, HELD_OUT.source, HELD_OUT.source_mask, BEGIN, LONGEST + 1)
        right = (decoded == HELD_OUT.labels) | (HELD_OUT.weights == 0)
        shares[weights] = right.all(axis=1).mean()
    assert shares["first"] < 0.01
    assert shares["last"] >= 0.99


def test_the_frameworks_decode_alike(runs: dict[str, dict[str, Any]]) -> None:
    """From the same weights, whichever framework trained them."""
    few = (HELD_OUT.source[:50], HELD_OUT.source_mask[:50], BEGIN, LONGEST + 1)
    loops = map(backend, FRAMEWORKS)
    decoded = [loop.greedy(loop.build_model(MODEL), runs["jax"]["last"], *few) for loop in loops]
    np.testing.assert_array_equal(*decoded)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_greedy_is_teacher_forcing_on_its_own_output(name: str, runs: dict[str, dict[str, Any]]) -> None:
    """The whole model, given what was decoded, finds each of its tokens likeliest."""
    loop, params = backend(name), runs["jax"]["last"]
    source, mask = HELD_OUT.source[:50], HELD_OUT.source_mask[:50]
    model = loop.build_model(MODEL)
    decoded = loop.greedy(model, params, source, mask, BEGIN, LONGEST + 1)
    target = np.concatenate([np.full((50, 1), BEGIN, np.int32), decoded[:, :-1]], axis=1)
    logits = loop.outputs(model, params)(source, target, mask)
    np.testing.assert_array_equal(logits.argmax(axis=-1), decoded)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_evaluation_counts_tokens_by_their_weight(name: str, runs: dict[str, dict[str, Any]]) -> None:
    loop, params = backend(name), runs["jax"]["first"]
    model = loop.build_model(MODEL)
    (row,) = loop.evaluate("seq2seq", model, params, [HELD_OUT])
    logits = loop.outputs(model, params)(HELD_OUT.source, HELD_OUT.target, HELD_OUT.source_mask)
    real = HELD_OUT.weights == 1
    wide = logits[real].astype(np.float64)
    truth = wide[np.arange(len(wide)), HELD_OUT.labels[real]]
    assert row["loss"] == pytest.approx((np.log(np.exp(wide).sum(axis=1)) - truth).mean(), rel=1e-5)
    right = (logits[real].argmax(axis=1) == HELD_OUT.labels[real]).mean()
    assert row["accuracy"] == pytest.approx(right, abs=1e-6)
