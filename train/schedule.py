"""The learning rate as a function of the step, computed on the host for both frameworks."""

import math

from train.config import Optimizer


def learning_rate(step: int, steps: int, optimizer: Optimizer) -> float:
    """Rise linearly during warm-up, then fall; step counts from 0.

    The first step takes 1/warm-up of the peak, the last step of warm-up the peak itself. From there
    "linear" falls so that one step more than the last would take zero, and "inverse_sqrt" with
    1/sqrt(step), counted from 1: that is eq. 3 of Vaswani et al. 2017, section 5.3, with its peak,
    1/sqrt(embed * warm-up), given as the learning rate.
    """
    warmup = round(optimizer.warmup * steps)
    if step < warmup:
        return optimizer.learning_rate * (step + 1) / warmup
    if optimizer.schedule == "inverse_sqrt":
        return optimizer.learning_rate * math.sqrt(max(warmup, 1) / (step + 1))
    return optimizer.learning_rate * (steps - step) / (steps - warmup)
