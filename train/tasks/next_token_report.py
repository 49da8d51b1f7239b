"""What a model writes on."""

from typing import Any

import numpy as np
from jaxtyping import Int
from tokenizers import Tokenizer

from train.loops.backend import Outputs

ROWS = 8  # of the first test batch
WRITTEN = 24  # tokens


def continuations(
    outputs: Outputs, tokenizer: Tokenizer, ids: Int[np.ndarray, "batch position"]
) -> list[dict[str, Any]]:
    """What follows the first half of each row: in truth, and by always taking the likeliest next token."""
    start, end = _half(ids)
    return [
        {
            "text": tokenizer.decode(truth[max(0, start - 24) : start].tolist()),
            "truth": tokenizer.decode(truth[start:end].tolist()),
            "prediction": tokenizer.decode(written[start:end].tolist()),
        }
        for truth, written in zip(ids[:ROWS], written_on(outputs, ids[:ROWS]), strict=True)
    ]


def written_on(outputs: Outputs, ids: Int[np.ndarray, "batch position"]) -> Int[np.ndarray, "batch position"]:
    """The rows with tokens of the second half replaced by what the model takes for the likeliest next one."""
    rows, (start, end) = ids.copy(), _half(ids)
    for position in range(start, end):
        # Later tokens are still the true ones, but a causal model does not see them.
        rows[:, position] = outputs(rows)[:, position - 1].argmax(axis=-1)
    return rows


def _half(ids: Int[np.ndarray, "batch position"]) -> tuple[int, int]:
    """Where writing begins and ends."""
    start = ids.shape[1] // 2
    return start, min(start + WRITTEN, ids.shape[1])
