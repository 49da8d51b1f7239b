"""Greedy decoding of an encoder-decoder, the same lines for both frameworks."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Int32

from train.loops.backend import Arrays, Backend


def greedy(
    loop: Backend,
    model: Any,
    params: Arrays,
    source: Int32[np.ndarray, "batch key"],
    source_mask: Bool[np.ndarray, "batch key"],
    begin: int,
    length: int,
) -> Int32[np.ndarray, "batch position"]:
    """Return ``length`` tokens a row, each the likeliest after ``begin`` and those before it.

    What follows a row's first end token means nothing. The source is encoded once; every step decodes the
    whole target anew, always ``length`` wide, so that JAX compiles one program.
    """
    encode, decode = (loop.outputs(model, params, method) for method in ("encode", "decode"))
    context = encode(source, source_mask)
    target = np.full((len(source), length + 1), begin, np.int32)
    for place in range(length):
        logits = decode(target[:, :-1], context, source_mask)
        target[:, place + 1] = logits[:, place].argmax(axis=-1)
    return target[:, 1:]
