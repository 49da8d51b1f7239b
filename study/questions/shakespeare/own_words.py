"""A text that the trained model writes, and how much of it stands in what it was trained on."""

import numpy as np
from jaxtyping import Bool, Int32
from numpy.lib.stride_tricks import sliding_window_view

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


def stands(ids: Int32[np.ndarray, " piece"], train: Int32[np.ndarray, " token"]) -> Bool[np.ndarray, " run"]:
    """Of each run of `GRAM` pieces, whether the training split has it. An unknown piece is like no other."""
    runs, there = (np.ascontiguousarray(sliding_window_view(each, GRAM)) for each in (ids, train))
    rows = np.dtype((np.void, runs.dtype.itemsize * GRAM))
    found = np.isin(runs.view(rows)[:, 0], there.view(rows)[:, 0])
    return found & (runs != UNKNOWN).all(axis=1)


def longest_run(ids: Int32[np.ndarray, " piece"], train: Int32[np.ndarray, " token"]) -> int:
    """The most pieces one after the other that the training split has so."""
    longest, sought = 0, np.where(ids == UNKNOWN, -1, ids)
    for start in range(len(sought)):
        places, length = np.arange(len(train)), 0
        while start + length < len(sought) and len(places):
            places = places[places + length < len(train)]
            places = places[train[places + length] == sought[start + length]]
            length += bool(len(places))
        longest = max(longest, length)
    return longest
