"""The numbers of a step, computed on the host for both frameworks, in float64."""

import math

from train.config import Optimizer


def learning_rate(step: int, steps: int, optimizer: Optimizer) -> float:
    """Rise linearly during warm-up, then follow the schedule; step counts from 0 and is below ``steps``.

    The first step takes 1/warm-up of the peak, the last step of warm-up the peak itself. From there, with
    x the share that is done of the steps after warm-up, so that one step more than the last would be at 1:

    - "constant" stays at the peak.
    - "linear" falls as 1 - x. With warm-up it is slanted triangular (Howard & Ruder 2018, section 3.2, but
      to zero).
    - "cosine" falls as (1 + cos(pi x)) / 2 (Loshchilov & Hutter 2017, eq. 5, without restarts).
    - "inverse_sqrt" falls with 1/sqrt(step), counted from 1: that is eq. 3 of Vaswani et al. 2017, section
      5.3, with its peak, 1/sqrt(embed * warm-up), given as the learning rate.
    - "triangular" falls to zero in as many steps as warm-up has (at least one), rises again in as many, and
      so on: Smith 2017, section 3.1, from zero, and warm-up is the first rise.

    "linear" and "cosine" fall by so much of the way from the peak to the smallest rate, which is zero unless
    there is another.
    """
    peak, least = optimizer.learning_rate, optimizer.min_learning_rate
    warmup = round(optimizer.warmup * steps)
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / (steps - warmup)
    match optimizer.schedule:
        case "constant":
            return peak
        case "linear":
            return least + (peak - least) * (1.0 - done)
        case "cosine":
            return least + (peak - least) * (1.0 + math.cos(math.pi * done)) / 2.0
        case "inverse_sqrt":
            return peak * math.sqrt(max(warmup, 1) / (step + 1))
        case "triangular":
            sides = (step + 1) / max(warmup, 1)
            return peak * (1.0 - abs(sides % 2.0 - 1.0))


def rates_at(step: int, steps: int, optimizer: Optimizer) -> tuple[float, float, float]:
    """The ``Rates`` of one of ``steps`` updates, counted from 0, as the optimizer of either framework has
    them."""
    updates = step + 1
    rate = learning_rate(step, steps, optimizer)
    return rate, 1.0 - optimizer.beta1**updates, 1.0 - optimizer.beta2**updates
