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
    rows, start = ids[:ROWS].copy(), ids.shape[1] // 2
    end = min(start + WRITTEN, ids.shape[1])
    for position in range(start, end):
        # Later tokens are still the true ones, but a causal model does not see them.
        rows[:, position] = outputs(rows)[:, position - 1].argmax(axis=-1)
    return [
        {
            "text": tokenizer.decode(truth[max(0, start - 24) : start].tolist()),
            "truth": tokenizer.decode(truth[start:end].tolist()),
            "prediction": tokenizer.decode(written[start:end].tolist()),
        }
        for truth, written in zip(ids[:ROWS], rows, strict=True)
    ]
