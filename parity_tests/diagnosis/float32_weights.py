"""Attention's weights that were float32 for a moment, in a run in float64.

An exponential has other rounding errors in every library, so these cannot be recomputed. But where a query
sees no more keys than a head has numbers, its weights can be read off what the head
returns, and are float32's.
"""

import numpy as np

FEWEST, SMALLEST = 12, 1e-3  # weights that are looked at, and their size: tiny ones are read inexactly
WORST_CONDITION = 1e4


def weights_are_float32(output: np.ndarray, values: np.ndarray, allowed: np.ndarray | None) -> bool:
    """Of (batch heads query head_dim), (batch heads key head_dim), and what may be seen, which broadcasts."""
    width = output.shape[-1]
    values = np.repeat(values, output.shape[1] // values.shape[1], axis=1)
    shape = (*output.shape[:3], values.shape[2])
    seen = np.broadcast_to(True if allowed is None else allowed, shape)
    weights = []
    for batch, head, query in np.ndindex(*shape[:3]):
        rows = values[batch, head][seen[batch, head, query]]
        if 2 <= len(rows) <= width and np.linalg.cond(rows) < WORST_CONDITION:
            weights.append(np.linalg.lstsq(rows.T, output[batch, head, query], rcond=None)[0])
    found = np.concatenate(weights) if weights else np.empty(0)
    found = found[np.abs(found) > SMALLEST]
    apart = np.abs(found - found.astype(np.float32)) / np.spacing(found.astype(np.float32))
    return len(found) >= FEWEST and bool(apart.max() < 0.01)  # of others they lie anywhere between 0 and 0.5
