"""Mistakes that people make when they rewrite a training loop, each injected in PyTorch's.

A step computes its loss, then its gradient, then its update. So the first step that
diverges, and what diverges in it first, tell where the mistake is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from data import NextTokenBatch
from jax_impl.config import GPTConfig
from parity_tests.core.defect_results import DefectResult
from parity_tests.core.trajectory import EVERY, LOSS, NORM, Step, Trajectory, compare_steps
from parity_tests.twins.inject import Inject, patched
from torch_impl import optimizer as torch_optimizer
from torch_impl import random
from torch_impl.optimizer import Rates, decays
from train.architecture import Architecture
from train.config import Optimizer
from train.loops import jax_loop, torch_loop
from train.loops.schedule import rates_at
from train.proof.side_by_side import TrainingSetup, precision
from train.runs import checkpoint

BATCH, POSITION, VOCAB = 4, 8, 13
MODEL = Architecture(
    "gpt",
    GPTConfig(vocab=VOCAB, max_positions=POSITION, embed=16, heads=2, mlp=32, layers=1, dropout=0.1),
)
# Short, and nothing in it is idle: two steps of warm-up, all gradients clipped, eps within their sizes.
OPTIMIZER = Optimizer(learning_rate=1e-2, warmup=0.25, weight_decay=0.1, clip=0.1, eps=1e-5)
STEPS = 8
SWITCH = 4


@dataclass(frozen=True)
class TrainingDefect:
    """One mistake, how it is injected, and the step (counted from 1) and quantity that must diverge first."""

    name: str
    inject: Inject
    step: int
    located: str
    optimizer: Optimizer = OPTIMIZER
    switches: bool = False
    """Whether the run passes through checkpoints, one every `SWITCH` steps."""


def stream(number: int) -> NextTokenBatch:
    """Tokens of which each is the one before it plus one, most of the time."""
    rng = np.random.default_rng(number)
    start, jumps = rng.integers(0, VOCAB, (BATCH, 1)), rng.random((BATCH, POSITION + 1)) < 0.2
    tokens = ((start + np.arange(POSITION + 1) + 5 * jumps.cumsum(axis=1)) % VOCAB).astype(np.int32)
    return NextTokenBatch(tokens[:, :-1], tokens[:, 1:])


def try_training_defect(defect: TrainingDefect, dtype: str = "float64") -> DefectResult:
    """Hold PyTorch's run against JAX's as it is, then with the defect injected."""
    healthy = healthy_error(defect, dtype)
    with defect.inject():
        injected = _hold(defect, dtype)
    parted = injected.divergence
    return DefectResult(
        defect.name,
        healthy,
        parted.error if parted else _worst(injected),
        injected.bound,
        f"step {parted.step}: {parted.place}" if parted else None,
        f"step {defect.step}: {defect.located}",
    )


def healthy_error(defect: TrainingDefect, dtype: str = "float64") -> float:
    """The largest error of the run without the defect, relative to each quantity's largest magnitude."""
    return _worst(_hold(defect, dtype))


def _hold(defect: TrainingDefect, dtype: str) -> Trajectory:
    with precision(dtype), TemporaryDirectory() as folder:
        both = _training_setup(defect.optimizer, dtype)
        candidate = both.alternate(SWITCH, Path(folder)) if defect.switches else both.run(torch_loop)
        return compare_steps(defect.name, dtype, both.params, _jax_steps(defect.optimizer, dtype), candidate)


def _worst(trajectory: Trajectory) -> float:
    return max(max(step_error.errors.values()) for step_error in trajectory.step_errors)


@lru_cache
def _training_setup(optimizer: Optimizer, dtype: str) -> TrainingSetup:
    params = {name: array.astype(dtype) for name, array in torch_loop.initial_params(MODEL, 0).items()}
    return TrainingSetup("gpt", MODEL, params, stream, optimizer, STEPS, 0)


@lru_cache
def _jax_steps(optimizer: Optimizer, dtype: str) -> tuple[Step, ...]:
    """JAX's run, which stays healthy and serves many defects."""
    return tuple(_training_setup(optimizer, dtype).run(jax_loop))


def _right_rates(step: int, steps: int, optimizer: Optimizer) -> Rates:
    return Rates(*rates_at(step, steps, optimizer))


def _rates(wrong: Callable[[Rates, int, int, Optimizer], Rates]) -> Inject:
    """Other numbers for PyTorch's updates."""

    def changed(step: int, steps: int, optimizer: Optimizer) -> Rates:
        return wrong(_right_rates(step, steps, optimizer), step, steps, optimizer)

    return lambda: patch.object(torch_loop, "rates_at", changed)


def _method(wrong: Callable[..., torch.Tensor]) -> Inject:
    """Another direction for PyTorch's AdamW."""
    return lambda: patch.dict(torch_optimizer.METHODS, adamw=partial(wrong, torch_optimizer.adam))


def _settings(**changes: Any) -> Inject:
    """Other settings of PyTorch's optimizer."""
    return patched(
        torch_optimizer,
        "update",
        lambda original, *arguments: original(*arguments[:-1], replace(arguments[-1], **changes)),
    )


def _loss(wrong: Callable[..., Any]) -> Inject:
    """Another loss for PyTorch's GPT."""
    return lambda: patch.dict(torch_loop.OBJECTIVES, gpt=partial(wrong, torch_loop.OBJECTIVES["gpt"]))


def _root_of_sum(original: Any, gradient: Any, state: Any, rates: Rates, optimizer: Optimizer) -> Any:
    original(gradient, state, rates, optimizer)
    return state["mean"] / rates.mean_weight / (state["square"] / rates.square_weight + 1e-5).sqrt()


def _decay_in_gradient(
    original: Any, params: Any, state: Any, gradient: Any, rates: Rates, optimizer: Optimizer
) -> torch.Tensor:
    coupled = {
        name: g + optimizer.weight_decay * params[name].detach() if decays(name, optimizer) else g
        for name, g in gradient.items()
    }
    return original(params, state, coupled, rates, replace(optimizer, weight_decay=0.0))


def _but_the_final_norm(original: Any, params: Any, *rest: Any) -> torch.Tensor:
    return original({name: p for name, p in params.items() if name != "final_norm/scale"}, *rest)


def _round_weights(original: Any, params: Any, *rest: Any) -> torch.Tensor:
    norm = original(params, *rest)
    for parameter in params.values():
        parameter.data.copy_(parameter.bfloat16())
    return norm


def _padded_norm(original: Any, gradient: Any, largest: float) -> torch.Tensor:
    norm = torch.nn.utils.get_total_norm(list(gradient.values()))
    torch._foreach_mul_(list(gradient.values()), torch.clamp(largest / (norm + 1e-6), max=1.0))
    return norm


def _shifted(original: Any, model: Any, batch: Any, *rest: Any) -> Any:
    return original(model, batch._replace(labels=batch.labels.roll(-1, dims=1)), *rest)


def _forgotten(original: Any, *arguments: Any) -> checkpoint.State:
    return original(*arguments)._replace(moments={})


def _one_key(original: Any, key: random.Key, data: int) -> random.Key:
    return original(key, min(data, 1))


SGD = replace(OPTIMIZER, method="sgd")

TRAINING_DEFECTS = (
    TrainingDefect(
        "optimizer: decay on norms and biases",
        lambda: patch.object(torch_optimizer, "decays", lambda name, config: True),
        1,
        "blocks_0/attention_norm/scale",
    ),
    TrainingDefect(
        "optimizer: no bias correction",
        _rates(lambda rates, *rest: Rates(rates.learning_rate, 1.0, 1.0)),
        1,
        EVERY,
    ),
    TrainingDefect(
        "optimizer: bias correction a step behind",
        _rates(
            lambda rates, step, steps, optimizer: _right_rates(max(step - 1, 0), steps, optimizer)._replace(
                learning_rate=rates.learning_rate
            )
        ),
        2,
        EVERY,
    ),
    TrainingDefect("optimizer: epsilon inside the root", _method(_root_of_sum), 1, EVERY),
    TrainingDefect("optimizer: beta2 0.999 for 0.98", _settings(beta2=0.999), 1, EVERY),
    TrainingDefect(
        "optimizer: decay in the gradient, not decoupled",
        patched(torch_optimizer, "update", _decay_in_gradient),
        1,
        NORM,
    ),
    TrainingDefect(
        "optimizer: no decay",
        _settings(weight_decay=0.0),
        1,
        "blocks_0/attention/key/kernel",  # the first that decays
    ),
    TrainingDefect(
        "optimizer: decay of matrices, where all decays",
        _settings(decayed="matrices"),
        1,
        "blocks_0/attention_norm/scale",  # the first that is not zero
        replace(OPTIMIZER, decayed="all"),
    ),
    TrainingDefect(
        "optimizer: L2 behind the moments",
        _settings(coupled=False),
        1,
        "blocks_0/attention/key/kernel",
        replace(OPTIMIZER, coupled=True),
    ),
    TrainingDefect(
        "optimizer: one parameter is not in it",
        patched(torch_optimizer, "update", _but_the_final_norm),
        1,
        "final_norm/scale",
    ),
    TrainingDefect(
        "clipping: after the update, so not at all",
        _settings(clip=np.inf),
        1,
        EVERY,
    ),
    TrainingDefect(
        "clipping: 1e-6 added to the norm",
        patched(torch_optimizer, "clip_by_global_norm", _padded_norm),
        1,
        "blocks_0/attention/output/bias",  # the first that begins at zero, so that all of it is update
        SGD,
    ),
    TrainingDefect("momentum: none", _settings(beta1=0.0), 2, EVERY, SGD),
    TrainingDefect(
        "schedule: off by one",
        _rates(
            lambda rates, step, steps, optimizer: _right_rates(min(step + 1, steps - 1), steps, optimizer)
        ),
        1,
        EVERY,
    ),
    TrainingDefect(
        "schedule: no warm-up",
        _rates(
            lambda rates, step, steps, optimizer: _right_rates(step, steps, replace(optimizer, warmup=0.0))
        ),
        1,
        EVERY,
    ),
    TrainingDefect(
        "schedule: the smallest rate is zero",
        _rates(
            lambda rates, step, steps, optimizer: _right_rates(
                step, steps, replace(optimizer, min_learning_rate=0.0)
            )
        ),
        4,  # two steps rise, the third is at the peak
        EVERY,
        replace(OPTIMIZER, schedule="cosine", min_learning_rate=1e-3),
    ),
    TrainingDefect(
        "loop: gradients not set to zero",
        patched(torch.nn.Module, "zero_grad", lambda original, self: None),
        2,
        NORM,
    ),
    TrainingDefect(
        "loop: the sum of accumulated gradients for their mean",
        patched(
            torch_loop,
            "gradient",
            lambda original, *arguments: original(*arguments[:-1], replace(arguments[-1], accumulate=1)),
        ),
        1,
        LOSS,
        replace(OPTIMIZER, accumulate=2),
    ),
    TrainingDefect("loop: the same dropout key at every step", patched(random, "fold_in", _one_key), 3, LOSS),
    TrainingDefect(
        "loop: no dropout",
        _loss(lambda original, model, batch, rng, smoothing: original(model, batch, None, smoothing)),
        1,
        LOSS,
    ),
    TrainingDefect("loop: labels shifted twice", _loss(_shifted), 1, LOSS),
    TrainingDefect(
        "loop: weights kept in bfloat16", patched(torch_optimizer, "update", _round_weights), 1, EVERY
    ),
    TrainingDefect(
        "resuming: moments not restored",
        patched(checkpoint, "load_state", _forgotten),
        SWITCH + 1,
        EVERY,
        switches=True,
    ),
)
