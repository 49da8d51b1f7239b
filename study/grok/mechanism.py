"""What a network has learned by waves: measures of Nanda et al. 2023 ("Progress measures for grokking via
mechanistic interpretability", sections 4 and 5), in numpy.

Elements are the numbers in the order in which the operation turns them (`task.Task.elements`), so that for
division too a wave is cos(2π k i / elements) of element i. Frequencies k are counted from 1.
"""

from collections.abc import Collection, Mapping

import numpy as np
from jaxtyping import Float, Int

CLEAR = 2.0  # times the mean norm of all frequencies: what is above stands out


def fourier_norms(embedding: Float[np.ndarray, "element embed"]) -> Float[np.ndarray, " frequency"]:
    """The norm over embed of each frequency's sine and cosine together (figure 3), from frequency 1 on."""
    waves = np.fft.rfft(embedding.astype(np.float64), axis=0, norm="ortho")[1:]
    power = 2.0 * np.square(np.abs(waves)).sum(axis=1)
    if len(embedding) % 2 == 0:
        power[-1] /= 2.0  # the highest has no sine
    return np.sqrt(power)


def key_frequencies(norms: Float[np.ndarray, " frequency"]) -> list[int]:
    """The frequencies whose norm is clearly above the mean of all."""
    return [int(number) for number in np.flatnonzero(norms > CLEAR * norms.mean()) + 1]


def gini(norms: Float[np.ndarray, " frequency"]) -> float:
    """0 where all are alike, near 1 where one has all (section 5.1)."""
    ordered, count = np.sort(norms), len(norms)
    ranks = 2.0 * np.arange(1, count + 1) - count - 1
    return float((ranks * ordered).sum() / (count * ordered.sum()))


def weight_norm(params: Mapping[str, np.ndarray]) -> float:
    """The Euclidean norm of all weights together."""
    return float(np.sqrt(sum(np.square(array, dtype=np.float64).sum() for array in params.values())))


def losses(
    logits: Float[np.ndarray, "row classes"], labels: Int[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """-log p(label) of each row, in nats."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(len(labels)), labels]


def mean_by_result(
    logits: Float[np.ndarray, "pair classes"], by_result: Int[np.ndarray, "element element"]
) -> Float[np.ndarray, "element classes"]:
    """The logits' mean over all pairs of one result.

    Every wave of a + b alone (of a - b, a / b) is in it whole, and no other wave of a and b is.
    """
    return logits[by_result].mean(axis=1, dtype=np.float64)


def waves(
    means: Float[np.ndarray, "element classes"], frequencies: Collection[int], constant: bool
) -> Float[np.ndarray, "element classes"]:
    """Of the means, the waves of these frequencies; and what is constant, if asked for."""
    spectrum = np.fft.rfft(means, axis=0)
    kept = np.isin(np.arange(len(spectrum)), [*frequencies, *([0] if constant else [])])
    return np.fft.irfft(spectrum * kept[:, None], n=len(means), axis=0)


def restricted_loss(
    means: Float[np.ndarray, "element classes"],
    labels: Int[np.ndarray, " element"],
    frequencies: Collection[int],
) -> float:
    """The loss over all pairs if the logits were constants and key waves of the result alone (section 5.1).

    ``labels`` are the results' own. Such logits are the same for all pairs of one result.
    """
    return float(losses(waves(means, frequencies, constant=True), labels).mean())


def excluded_loss(
    logits: Float[np.ndarray, "row classes"],
    labels: Int[np.ndarray, " row"],
    results: Int[np.ndarray, " row"],
    means: Float[np.ndarray, "element classes"],
    frequencies: Collection[int],
) -> float:
    """The loss of rows (those trained on) if the key waves of the result were taken out (section 5.1).

    ``results`` are the rows' results, as numbers of elements.
    """
    return float(losses(logits - waves(means, frequencies, constant=False)[results], labels).mean())
