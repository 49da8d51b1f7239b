"""What both optimizers share: which parameters decay, and the numbers of a step that the host computes."""

from typing import NamedTuple

from train.config import Optimizer
from train.loops.schedule import learning_rate

# What is kept of each parameter between updates, by method.
MOMENTS = {"adamw": ("mean", "square"), "sgd": ("momentum",)}
DECAYED = ("kernel", "embedding")


class Rates(NamedTuple):
    """What an update needs to know of its step, in float64: in float32, 1 - 0.999 is wrong by 1e-5."""

    learning_rate: float
    mean_weight: float
    """The weights that Adam's running mean gives to all gradients so far, together: 1 - beta1^updates."""
    square_weight: float
    """The same of the running mean of squares: 1 - beta2^updates."""


def rates_at(step: int, steps: int, optimizer: Optimizer) -> Rates:
    """The numbers of one of ``steps`` updates, counted from 0."""
    return Rates(
        learning_rate(step, steps, optimizer),
        1.0 - optimizer.beta1 ** (step + 1),
        1.0 - optimizer.beta2 ** (step + 1),
    )


def decays(name: str) -> bool:
    """Whether weights decay that Flax calls ``name``: kernels and embeddings, not biases and norms."""
    return name.split("/")[-1] in DECAYED
