"""Log-probabilities of tokens, in nats, by full forward passes in either framework."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.progress import track

import data
from train.runs.errors import RunError
from train.runs.load import Run

LOGITS = 2**23  # numbers of a batch: 32 MB in float32
ROWS = 32  # of a batch, at most
WIDTHS = 32  # rows are as wide as their tokens, rounded up to these: JAX compiles for few of them


class Scored(NamedTuple):
    """Tokens, and those that follow, whose probabilities are asked for."""

    before: Sequence[int]
    """What the model has read; one token at least."""
    tokens: Sequence[int]
    """What follows, one token at least. The last of all need not be read."""


def log_softmax(logits: Float[np.ndarray, "*axes vocab"]) -> Float[np.ndarray, "*axes vocab"]:
    """log(exp(x) / sum(exp(x))) over the vocabulary, in float64."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))


def log_probs(
    run: Run, asked: Sequence[Scored], console: Console | None = None, doing: str = "reading"
) -> list[Float[np.ndarray, "position"]]:
    """For each row log P(token | all before it), in nats, of its ``tokens``.

    No row may have more than ``max_positions`` + 1 tokens, ``before`` and ``tokens`` together.

    Raises RunError where the model gives no numbers, and `data.DataError` where it has no such tokens.
    """
    config = run.architecture.config
    whole = [np.array([*row.before, *row.tokens], np.int32) for row in asked]
    data.check_ids(whole, config.vocab)
    read = [ids[:-1] for ids in whole]
    longest = max(map(len, read))
    widths = [*range(WIDTHS, longest, WIDTHS), min(-(-longest // WIDTHS) * WIDTHS, config.max_positions)]
    rows = min(ROWS, len(asked), max(1, LOGITS // (widths[-1] * config.vocab)))
    batches = data.evaluation_batches(read, np.zeros(len(read), np.int32), rows, widths)
    found: list[Any] = [None] * len(asked)
    for batch in _shown(batches, console, doing):
        for number, logits in zip(batch.rows, run.outputs(batch.ids), strict=True):
            if number >= 0:
                tokens = asked[number].tokens
                end = len(read[number])
                each = finite(run, log_softmax(logits[end - len(tokens) : end]))
                found[number] = each[np.arange(len(tokens)), list(tokens)]
    return found


def finite(run: Run, each: Float[np.ndarray, "*axes vocab"]) -> Float[np.ndarray, "*axes vocab"]:
    """The same numbers. Raises RunError where one is not finite."""
    if not np.isfinite(each).all():
        raise RunError(
            f"{run.folder}: its model gives {each[~np.isfinite(each)][0]}: its weights are of no use"
        )
    return each


def _shown(batches: Sequence[Any], console: Console | None, doing: str) -> Iterable[Any]:
    """With a bar where there is a terminal to show it."""
    if console is None or len(batches) < 2:
        return batches
    return track(batches, doing, console=console, transient=True, disable=not console.is_terminal)
