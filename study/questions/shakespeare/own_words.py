"""A text that the trained model writes, and how much of it stands in what it was trained on."""

from typing import Any

import numpy as np
from jaxtyping import Int32

from study.questions.shakespeare.words import UNKNOWN
from train.loops.backend import Outputs

GRAM = 5  # pieces of a run that is looked for in the training split


def written(
    outputs: Outputs, prompt: list[int], count: int, positions: int, temperature: float, seed: int
) -> list[int]:
    """The prompt and ``count`` pieces more, drawn one by one; the unknown one is barred."""
    rng, ids = np.random.default_rng(seed), list(prompt)
    for _ in range(count):
        read = ids[-positions:]
        row = np.full((1, positions), UNKNOWN, np.int32)  # one length, so that it is compiled once
        row[0, : len(read)] = read
        logits = outputs(row)[0, len(read) - 1].astype(np.float64) / temperature
        logits[UNKNOWN] = -np.inf
        chances = np.exp(logits - logits.max())
        ids.append(int(rng.choice(len(chances), p=chances / chances.sum())))
    return ids


def copied(ids: Int32[np.ndarray, " piece"], train: Int32[np.ndarray, " token"]) -> dict[str, Any]:
    """The longest run of pieces that the training split has, and the share of those of `GRAM` that it has."""
    longest, found = 0, 0
    for start in range(len(ids)):
        places, length = np.arange(len(train)), 0
        while start + length < len(ids) and len(places):
            places = places[places + length < len(train)]
            places = places[train[places + length] == ids[start + length]]
            length += bool(len(places))
        longest, found = max(longest, length), found + (length >= GRAM)
    return {"longest": longest, "share": found / max(1, len(ids) - GRAM + 1)}
