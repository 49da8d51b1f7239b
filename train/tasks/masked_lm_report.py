"""What a model fills in where words are masked."""

from typing import Any

import numpy as np
from jaxtyping import Float
from tokenizers import Tokenizer

from data.batches.masking import MaskedBatch

ROWS = 8  # of the first test batch


def filled_masks(
    logits: Float[np.ndarray, "batch masked vocab"], tokenizer: Tokenizer, batch: MaskedBatch
) -> list[dict[str, Any]]:
    """The first counted mask of each row: its surroundings, the word that was there, the likeliest word."""
    shown = []
    for row, scores in enumerate(logits[:ROWS].astype(np.float64)):
        place = int(batch.weights[row].argmax())
        position, truth = int(batch.masked_positions[row, place]), int(batch.labels[row, place])
        chances = np.exp(scores[place] - scores[place].max())
        best, ids = int(chances.argmax()), batch.ids[row]
        before, after = ids[max(0, position - 8) : position], ids[position + 1 : position + 7]
        shown.append(
            {
                "text": f"{tokenizer.decode(before.tolist())} [MASK] {tokenizer.decode(after.tolist())}",
                "truth": tokenizer.id_to_token(truth),
                "prediction": tokenizer.id_to_token(best),
                "probability": float(chances[best] / chances.sum()),
            }
        )
    return shown
