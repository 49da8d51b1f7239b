"""A trained classifier as sure as it is right: its logits times what fits texts that it has not learned."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64, Int32

from data.baselines.cross_entropy import cross_entropy
from train.loops.backend import Arrays

VOICES = (("head/kernel", "head/bias"), ("ngrams/token_ratios", "ngrams/pair_ratios"))
"""What the logits are a sum of. They are linear in each: to scale the weights is to scale the voice."""
SCALES = (0.01, 100.0)  # at least and at most: no voice is lost, none drowns the others

Logits = Float[np.ndarray, "example classes"]


def calibrated(
    params: Arrays, logits: Callable[[Arrays], Logits], labels: Int32[np.ndarray, " example"]
) -> Arrays:
    """The weights with those of the head, and the n-grams' ratios, each times a number.

    ``logits`` are those of weights on the texts that have the labels.
    """
    voices = [names for names in VOICES if names[0] in params]
    alone = [logits(silenced(params, [other for other in voices if other != names])) for names in voices]
    scales = fitted(np.stack(alone).astype(np.float64), labels)
    scaled = {
        name: params[name] * params[name].dtype.type(scale)
        for names, scale in zip(voices, scales, strict=True)
        for name in names
    }
    return params | scaled


def silenced(params: Arrays, voices: list[tuple[str, ...]]) -> Arrays:
    """The weights without what these voices say."""
    return params | {name: np.zeros_like(params[name]) for names in voices for name in names}


def fitted(
    alone: Float64[np.ndarray, "voice example classes"], labels: Int32[np.ndarray, " example"]
) -> Float64[np.ndarray, " voice"]:
    """The scales whose weighted sum of the voices costs least (Guo et al. 2017, with one number a voice).

    A class of n texts among k classes is given (n + 1) / (n + k) of each, the others the rest (Platt 1999,
    section 2.2): few texts, all of them right, make no model infinitely sure.
    """
    from scipy import optimize  # for which no start waits

    classes = alone.shape[2]
    counts = np.bincount(labels, minlength=classes)[labels][:, None]
    truth = (counts * np.eye(classes)[labels] + 1.0) / (counts + classes)

    def cost(scales: np.ndarray) -> tuple[float, np.ndarray]:
        loss, error = cross_entropy(np.tensordot(scales, alone, 1), truth)
        return loss, np.tensordot(alone, error, 2)

    start = np.ones(len(alone))
    return optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[SCALES] * len(alone)).x
