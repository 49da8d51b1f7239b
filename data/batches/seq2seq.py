"""A batch for a model that translates."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int32


class Seq2SeqBatch(NamedTuple):
    """Sources and targets of different lengths; both are padded to the widths of the longest."""

    source: Int32[np.ndarray, "batch key"]
    source_mask: Bool[np.ndarray, "batch key"]  # True at real tokens
    target: Int32[np.ndarray, "batch position"]  # what the decoder reads: a first token, then the target
    labels: Int32[np.ndarray, "batch position"]  # the token after each: the target, then its end
    weights: Float32[np.ndarray, "batch position"]  # 1 up to the end, 0 at padding
