"""What logits cost, and how that changes with each of them: for all that is fitted to labels here."""

import numpy as np
from jaxtyping import Float64


def cross_entropy(
    logits: Float64[np.ndarray, "example classes"], truth: Float64[np.ndarray, "example classes"]
) -> tuple[float, Float64[np.ndarray, "example classes"]]:
    """The mean over examples in nats, and its derivatives; ``truth`` has the classes' shares."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    chances = np.exp(shifted)
    totals = chances.sum(axis=1, keepdims=True)
    loss = (np.log(totals[:, 0]) - (truth * shifted).sum(axis=1)).mean()
    return float(loss), (chances / totals - truth) / len(logits)
