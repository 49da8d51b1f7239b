"""What passes through a deep model: gradients by layer, and how alike the positions have become."""

from typing import Any

import numpy as np

from study.questions.task import Rows


def gradient_norms(trainer: Any, rows: Rows, layers: int) -> list[float]:
    """The norm of the loss's gradient in all weights of each block, from the first."""
    gradients = trainer.gradients(rows)
    squares = [
        sum(float(np.square(g).sum()) for name, g in gradients.items() if name.startswith(f"blocks_{layer}/"))
        for layer in range(layers)
    ]
    return [float(np.sqrt(square)) for square in squares]


def likeness(trainer: Any, rows: Rows, layers: int) -> list[float]:
    """The mean cosine between the outputs of two positions of a row, after each block.

    At 1 all positions are one, and no later layer can tell them apart (Dong et al. 2021).
    """
    taps = trainer.taps(rows.ids)
    found = []
    for layer in range(layers):
        output = taps[f"blocks.{layer}/output"].astype(np.float64)
        unit = output / np.maximum(np.linalg.norm(output, axis=-1, keepdims=True), np.finfo(float).tiny)
        cosines = np.einsum("bpe,bqe->bpq", unit, unit)
        count = output.shape[1]
        found.append(float((cosines.sum(axis=(1, 2)) - count).mean() / (count * (count - 1))))
    return found
