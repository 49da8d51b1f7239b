"""The learning rate as a function of the step, computed on the host for both frameworks."""

from train.config import Optimizer


def learning_rate(step: int, steps: int, optimizer: Optimizer) -> float:
    """Rise linearly during warm-up, then fall linearly; step counts from 0.

    The first step takes 1/warm-up of the peak, the last step of warm-up the peak itself; one step more
    than the last would take zero.
    """
    warmup = round(optimizer.warmup * steps)
    if step < warmup:
        return optimizer.learning_rate * (step + 1) / warmup
    return optimizer.learning_rate * (steps - step) / (steps - warmup)
